"""Migration operations that Tortoise lacks."""

from tortoise.migrations.operations import TortoiseOperation
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State


class CreateConstraints(TortoiseOperation):
    """Create the named constraints of models that were just created.

    Tortoise's ``CreateModel`` keeps ``Meta.constraints`` in its own state but never sends them to
    the database, so a new model's checks and conditional uniques silently do not exist. Put this
    after the ``CreateModel`` operations of a migration, with the names of their models.
    """

    def __init__(self, *model_names: str) -> None:
        self.model_names = model_names

    def describe(self) -> str:
        """Return what the migration's progress shows."""
        return f"Create constraints of {', '.join(self.model_names)}"

    async def database_forward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        """Send each constraint."""
        if state_editor is None:
            return
        for name in self.model_names:
            state = self.get_model_state(new_state, app_label, name)
            model = new_state.apps.get_model(f"{app_label}.{name}")
            for constraint in state.options["constraints"]:
                await state_editor.add_constraint(model, constraint)
