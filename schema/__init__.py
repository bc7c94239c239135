"""The contract: types, inputs, scalars and errors of the GraphQL API, and its composition root."""
