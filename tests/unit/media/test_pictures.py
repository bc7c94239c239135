"""Pictures are read by what is in them, and made anew: nothing of a file that was sent remains."""

import random
import warnings
from io import BytesIO

import pytest
from PIL import Image, ImageCms

from headless_presale.kernel.errors import DomainError
from headless_presale.media import (
    MediaAnimated,
    MediaDamaged,
    MediaNotPicture,
    MediaTooManyPixels,
)
from headless_presale.media.pictures import Picture, read_picture
from headless_presale.media.rules import edges_for, fitted
from tests.support.pictures import (
    BLUE,
    EPS,
    GREEN,
    HTML,
    RED,
    SVG,
    animated,
    drawn,
    encoded,
    jpeg,
    photo,
    png,
    png_bomb,
    png_with_text_bomb,
)


def made(content: bytes) -> Picture:
    return read_picture(BytesIO(content))


def shown(picture: Picture, name: str) -> Image.Image:
    """Return one of a picture's files, decoded."""
    (content,) = [file.content for file in picture.files if file.size.name == name]
    return Image.open(BytesIO(content))


def is_near(pixel: object, colour: tuple[int, int, int], by: int = 24) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(a - b) <= by for a, b in zip(pixel[:3], colour, strict=True))


# Sizes


def test_a_picture_is_made_in_every_size_that_is_smaller() -> None:
    picture = made(jpeg(3_000, 2_000))

    assert (picture.mime, picture.width, picture.height) == ("image/jpeg", 3_000, 2_000)
    assert [
        (file.size.name, file.size.width, file.size.height, file.size.mime)
        for file in picture.files
    ] == [
        ("1-2048.webp", 2_048, 1_365, "image/webp"),
        ("1-1280.webp", 1_280, 853, "image/webp"),
        ("1-1280.jpg", 1_280, 853, "image/jpeg"),
        ("1-640.webp", 640, 427, "image/webp"),
        ("1-320.webp", 320, 213, "image/webp"),
    ]
    for file in picture.files:
        with Image.open(BytesIO(file.content)) as image:
            assert image.size == (file.size.width, file.size.height)
            assert image.get_format_mimetype() == file.size.mime
        assert file.size.bytes == len(file.content)


def test_a_small_picture_is_not_enlarged() -> None:
    picture = made(png(400, 300))

    assert [(f.size.name, f.size.width, f.size.height) for f in picture.files] == [
        ("1-640.webp", 400, 300),
        ("1-640.jpg", 400, 300),
        ("1-320.webp", 320, 240),
    ]


@pytest.mark.parametrize(
    ("width", "height", "edges"),
    [
        (1, 1, [320]),
        (320, 100, [320]),
        (321, 100, [320, 640]),
        (1_280, 1_280, [320, 640, 1_280]),
        (1_281, 2, [320, 640, 1_280, 2_048]),
        (30_000, 1, [320, 640, 1_280, 2_048]),
    ],
)
def test_no_two_sizes_show_the_same(width: int, height: int, edges: list[int]) -> None:
    assert edges_for(width, height) == edges
    sizes = [fitted(width, height, edge) for edge in edges]
    assert len(set(sizes)) == len(sizes)
    assert all(min(size) >= 1 for size in sizes)


def test_a_line_of_one_pixel_is_a_picture() -> None:
    picture = made(png(3_000, 1))

    assert [
        (f.size.width, f.size.height) for f in picture.files if f.size.mime == "image/webp"
    ] == [
        (2_048, 1),
        (1_280, 1),
        (640, 1),
        (320, 1),
    ]


# Uprightness, colours, transparency


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright(orientation: int) -> None:
    # Given what a camera writes that was held so that turning it back shows `drawn`
    upright = drawn(400, 300)
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    held = upright.transpose(back[orientation]) if orientation in back else upright
    exif = Image.Exif()
    exif[0x0112] = orientation

    picture = made(encoded(held, exif=exif))

    assert (picture.width, picture.height) == (400, 300)
    image = shown(picture, "1-640.webp").convert("RGB")
    assert image.size == (400, 300)
    assert is_near(image.getpixel((100, 150)), RED)
    assert is_near(image.getpixel((300, 75)), GREEN)
    assert is_near(image.getpixel((300, 225)), BLUE)


@pytest.mark.parametrize(
    ("content", "mime"),
    [
        (encoded(drawn(), "PNG"), "image/png"),
        (encoded(drawn(mode="P"), "PNG"), "image/png"),
        (encoded(drawn(mode="RGBA"), "PNG"), "image/png"),
        (encoded(drawn(mode="P"), "GIF"), "image/gif"),
        (encoded(drawn(), "WEBP"), "image/webp"),
        (encoded(drawn(), "AVIF"), "image/avif"),
        (encoded(drawn(mode="CMYK")), "image/jpeg"),
        (jpeg(progressive=True), "image/jpeg"),
    ],
)
def test_colours_are_kept_in_every_kind_of_file(content: bytes, mime: str) -> None:
    picture = made(content)

    assert picture.mime == mime
    for name in ("1-640.webp", "1-640.jpg"):
        image = shown(picture, name)
        assert image.mode == "RGB"
        assert is_near(image.getpixel((100, 150)), RED, by=40)
        assert is_near(image.getpixel((300, 225)), BLUE, by=40)


def test_sixteen_bits_of_grey_do_not_turn_white() -> None:
    grey = Image.new("I;16", (40, 30), 0x8000)

    image = shown(made(encoded(grey, "PNG")), "1-320.webp").convert("RGB")

    assert is_near(image.getpixel((20, 15)), (128, 128, 128), by=4)


def test_what_is_transparent_stays_so_and_is_white_in_the_jpeg() -> None:
    glass = Image.new("RGBA", (60, 40), (0, 0, 0, 0))
    glass.paste((*RED, 255), (0, 0, 30, 40))

    picture = made(encoded(glass, "PNG"))

    webp = shown(picture, "1-320.webp")
    assert webp.mode == "RGBA"
    left, right = webp.getpixel((10, 20)), webp.getpixel((50, 20))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert (left[3], right[3]) == (255, 0)
    assert is_near(shown(picture, "1-320.jpg").getpixel((50, 20)), (255, 255, 255), by=3)


def test_a_profile_is_applied_and_left_out() -> None:
    # Given a profile under which these numbers look different: red and green are exchanged
    swapped = ImageCms.createProfile("sRGB")
    tagged = bytearray(ImageCms.ImageCmsProfile(swapped).tobytes())
    red, green = tagged.index(b"rXYZ"), tagged.index(b"gXYZ")
    tagged[red : red + 4], tagged[green : green + 4] = b"gXYZ", b"rXYZ"

    picture = made(encoded(drawn(), "PNG", icc_profile=bytes(tagged)))

    image = shown(picture, "1-640.webp")
    assert "icc_profile" not in image.info
    pixel = image.convert("RGB").getpixel((100, 150))
    assert isinstance(pixel, tuple)
    assert pixel[1] > pixel[0] + 100


def test_a_profile_that_is_none_is_as_if_there_were_none() -> None:
    picture = made(encoded(drawn(), "PNG", icc_profile=b"not a profile" * 40))

    assert is_near(shown(picture, "1-640.webp").convert("RGB").getpixel((100, 150)), RED)


# What must not come through


def test_control_the_photo_says_where_it_was_taken() -> None:
    content = photo()
    assert b"Secret Camera Works" in content
    assert b"made by somebody" in content
    with Image.open(BytesIO(content)) as image:
        assert image.getexif().get_ifd(0x8825)


def test_nothing_a_camera_says_is_left() -> None:
    picture = made(photo(orientation=6))

    for file in picture.files:
        assert b"Secret Camera" not in file.content
        assert b"made by somebody" not in file.content
        for mark in (b"Exif", b"EXIF", b"http://ns.adobe.com", b"ICCP", b"ICC_PROFILE"):
            assert mark not in file.content, (file.size.name, mark)
        with Image.open(BytesIO(file.content)) as image:
            assert dict(image.getexif()) == {}
            assert {"exif", "xmp", "icc_profile", "comment"} & image.info.keys() == set()


@pytest.mark.parametrize("hidden", [HTML, b"PK\x03\x04 an archive", b"\xff" * 5_000])
@pytest.mark.parametrize("whole", [jpeg(), png()])
def test_what_hides_behind_a_picture_is_gone(whole: bytes, hidden: bytes) -> None:
    picture = made(whole + hidden)

    assert [file.size.name for file in picture.files if hidden[:40] in file.content] == []


def test_a_script_in_a_comment_is_gone() -> None:
    picture = made(jpeg(comment=HTML))
    assert [file for file in picture.files if b"<script>" in file.content] == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        SVG,
        EPS,
        HTML,
        b"GIF89a",
        b"%PDF-1.7",
        b"PK\x03\x04",
        b"RIFF\x00\x00\x00\x00WEBP",
    ],
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises((MediaNotPicture, MediaDamaged)):
        made(content)


@pytest.mark.parametrize("content", [SVG, EPS, HTML])
def test_a_picture_that_is_a_program_is_not_a_picture(content: bytes) -> None:
    with pytest.raises(MediaNotPicture):
        made(content)


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "ICO", "PPM", "TGA"])
def test_formats_that_are_not_taken(kind: str) -> None:
    with pytest.raises(MediaNotPicture):
        made(encoded(drawn(64, 64), kind))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_animated_pictures_are_refused(kind: str) -> None:
    with pytest.raises(MediaAnimated):
        made(animated(kind))


def test_two_views_of_a_phone_are_one_picture() -> None:
    views = encoded(drawn(), "MPO", save_all=True, append_images=[drawn()])

    assert made(views).mime == "image/jpeg"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_picture_that_breaks_off_is_refused(kind: str, share: float) -> None:
    noise = Image.effect_noise((300, 200), 60).convert("RGB")
    whole = encoded(noise.convert("P") if kind == "GIF" else noise, kind)

    with pytest.raises((MediaDamaged, MediaNotPicture)):
        made(whole[: int(len(whole) * share)])


@pytest.mark.parametrize(
    ("width", "height"), [(40_000, 40_000), (12_000, 8_000), (8_000, 7_000), (30_001, 10)]
)
def test_more_pixels_than_are_decoded_are_refused_by_the_header(width: int, height: int) -> None:
    bomb = png_bomb(width, height)
    assert len(bomb) < 2_000

    with pytest.raises(MediaTooManyPixels):
        made(bomb)


def test_a_header_that_announces_what_is_not_there() -> None:
    with pytest.raises(MediaDamaged):
        made(png_bomb(5_000, 5_000))


def test_a_comment_that_unpacks_to_gigabytes_is_refused() -> None:
    with pytest.raises((MediaDamaged, MediaNotPicture)):
        made(png_with_text_bomb())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
def test_a_damaged_file_is_refused_or_read_but_never_fails_otherwise(kind: str) -> None:
    luck = random.Random(f"damage {kind}")
    image = drawn(60, 40)
    whole = encoded(image.convert("P") if kind == "GIF" else image, kind)
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(luck.randint(1, 8)):
            damaged[luck.randrange(len(damaged))] = luck.randrange(256)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                made(bytes(damaged))
            except DomainError:
                continue
