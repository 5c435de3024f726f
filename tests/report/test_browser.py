"""The page as somebody uses it: headless Chromium opens it from disk, clicks, hovers and types."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rmpe.report import PictureOptions, ReportOptions, write_report
from rmpe.skeletons import COCO_17, HALPE_136, Skeleton
from tests.helpers.stick_walker import true_angles, write_walker

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
support = pytest.importorskip("selenium.webdriver.support.ui")
Keys, Select = webdriver.Keys, support.Select


class Page:
    """An open page: what it says about itself, and hands to use it with."""

    def __init__(self, browser: Any, path: Path) -> None:
        self.browser = browser
        browser.get("about:blank")  # what the browser starts with is not ours
        for kind in ("browser", "performance"):
            browser.get_log(kind)
        browser.get(path.as_uri())
        self.wait_for("return document.getElementById('main').ariaBusy === 'false'")

    def run(self, code: str, *arguments: Any) -> Any:
        return self.browser.execute_script(code, *arguments)

    def wait_for(self, condition: str) -> Any:
        return support.WebDriverWait(self.browser, 20, 0.05).until(lambda _: self.run(condition))

    def settle(self) -> None:
        """Wait until everything noted is drawn."""
        self.browser.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done));"
        )

    def element(self, name: str) -> Any:
        return self.browser.find_element("id", name)

    def expect(self, **values: Any) -> None:
        """Wait until the page says these values of itself; clicks and keys take their time."""
        code = "return {...document.getElementById('main').dataset}"
        state = {}
        for _ in range(100):
            self.settle()
            state = self.run(code)
            if all(state.get(name) == value for name, value in values.items()):
                return
        assert {name: state.get(name) for name in values} == values

    def press(self, *keys: str) -> None:
        webdriver.ActionChains(self.browser).send_keys(*keys).perform()

    def at(self, name: str, x: float, y: float) -> Any:
        """Move the pointer to a place of an element, CSS pixels from its top left corner."""
        target = self.element(name)
        self.run("arguments[0].scrollIntoView({block: 'center'})", target)
        width, height = self.run(
            "return [arguments[0].offsetWidth, arguments[0].offsetHeight]", target
        )
        move = webdriver.ActionChains(self.browser)
        move.move_to_element_with_offset(target, round(x - width / 2), round(y - height / 2))
        return move

    def width(self, name: str) -> float:
        return self.run("return document.getElementById(arguments[0]).clientWidth", name)

    def overlay_pixel(self, x: float, y: float) -> Any:
        """Colour (red, green, blue, alpha) of the skeletons' canvas at a place of the picture."""
        return self.run(
            """const canvas = document.getElementById("overlay");
            const place = (pixel) => Math.round((pixel * canvas.width) / arguments[2]);
            const copy = new OffscreenCanvas(1, 1).getContext("2d");
            copy.drawImage(canvas, -place(arguments[0]), -place(arguments[1]));
            return Array.from(copy.getImageData(0, 0, 1, 1).data);""",
            x, y, 320,
        )  # fmt: skip

    def assert_clean(self) -> None:
        """No message on the console, and nothing asked for that is not on this page."""
        assert [entry["message"] for entry in self.browser.get_log("browser")] == []
        messages = [json.loads(entry["message"]) for entry in self.browser.get_log("performance")]
        addresses = [
            message["message"]["params"]["request"]["url"]
            for message in messages
            if message["message"]["method"] == "Network.requestWillBeSent"
        ]
        own = ("file:", "data:", "blob:")
        assert [address for address in addresses if not address.startswith(own)] == []


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Callable[..., Page]:
    """Opens the page of records in the browser."""

    def open_records(*records: Path, **picture_options: Any) -> Page:
        options = ReportOptions(pictures=PictureOptions(**picture_options))
        return Page(browser, write_report(tmp_path / "report.html", records, options).path)

    return open_records


def test_people_are_drawn_where_they_were_stored(
    open_page: Callable[..., Page], clip_records: Path
) -> None:
    page = open_page(clip_records, mode="none")
    page.element("show-ids").click()
    page.press(*5 * [Keys.ARROW_RIGHT])
    page.expect(frame="5")
    assert page.overlay_pixel(25, 89)[3] > 50  # left edge of the first person's box
    assert page.overlay_pixel(15, 89)[3] < 30  # background alone
    red, green, blue, _ = page.overlay_pixel(45, 140)  # the last joint of person 1, in their red
    assert red > 200 and green < 130 and blue < 130
    page.press(Keys.END)
    page.expect(frame="49")
    assert page.overlay_pixel(89, 140)[0] > 200  # 49 pixels further on
    page.assert_clean()


@pytest.mark.parametrize("mode", ["embed", "link"])
def test_the_film_follows_the_timeline(
    open_page: Callable[..., Page], clip_records: Path, mode: str
) -> None:
    page = open_page(clip_records, mode=mode)
    film = page.element("film")
    page.wait_for("return document.getElementById('film').readyState >= 2")
    page.at("counts", page.width("counts") * 0.51, 30).click().perform()
    page.expect(frame="25")
    page.wait_for("return !document.getElementById('film').seeking")
    assert film.get_property("currentTime") == pytest.approx(25 / 25 + 0.02, abs=0.01)
    page.expect(film="film")
    page.element("play").click()
    page.wait_for("return +document.getElementById('main').dataset.frame > 27")
    page.element("play").click()
    page.expect(playing="false")
    page.assert_clean()


def test_a_lane_is_clicked_and_hovered(open_page: Callable[..., Page], clip_records: Path) -> None:
    page = open_page(clip_records, mode="strip", strip_pictures=4)
    page.at("lane-canvas", page.width("lane-canvas") * 0.81, 24 + 12).click().perform()
    page.expect(selected="2", frame="40")
    assert "Person 2" in page.element("person-title").text
    assert "left shoulder" in page.element("person").text
    page.at("lane-canvas", page.width("lane-canvas") * 0.51, 48 + 12).perform()
    tooltip = page.element("tooltip")
    page.wait_for("return document.getElementById('tooltip').textContent.includes('Person 3')")
    assert tooltip.is_displayed()
    assert tooltip.text.splitlines() == [
        "Person 3 · 0:01.00 · frame 25", "pose 0.50 · box 0.75 · joints 0.58"
    ]  # fmt: skip
    page.at("stage", 5, 5).click().perform()
    page.expect(selected="")
    assert not tooltip.is_displayed()
    page.assert_clean()


def test_a_person_in_the_picture_is_clicked(
    open_page: Callable[..., Page], clip_records: Path
) -> None:
    page = open_page(clip_records, mode="none")
    scale = page.width("stage") / 320
    page.at("stage", (20 + 2 * 40 + 10) * scale, 90 * scale).click().perform()
    page.expect(selected="3")
    assert "pose 0.50" in page.element("tooltip").text


def test_the_keyboard_is_enough(open_page: Callable[..., Page], clip_records: Path) -> None:
    page = open_page(clip_records, mode="none")
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    page.expect(frame="2")
    keys = webdriver.ActionChains(page.browser)
    keys.key_down(Keys.SHIFT).send_keys(Keys.ARROW_RIGHT).key_up(Keys.SHIFT).perform()
    page.expect(frame="27")
    page.press(Keys.END)
    page.expect(frame="49")
    page.press(Keys.HOME, " ")
    page.wait_for("return +document.getElementById('main').dataset.frame > 3")
    page.press(" ")
    page.expect(playing="false")
    page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_UP)
    page.expect(selected="2")
    page.press(Keys.ESCAPE)
    page.expect(selected="")
    assert "3 people" in page.element("status").get_property("textContent")
    page.assert_clean()


def test_tab_goes_through_the_lanes(open_page: Callable[..., Page], clip_records: Path) -> None:
    page = open_page(clip_records, mode="none")
    page.element("zoom-all").send_keys(Keys.TAB)
    names = []
    for _ in range(3):
        names.append(page.browser.switch_to.active_element.accessible_name)
        page.press(Keys.TAB)
    assert [name.split(":")[0] for name in names] == ["Person 1", "Person 2", "Person 3"]
    assert names[0].endswith("50 frames from 0:00.0 to 0:02.0, mean score 0.50")
    buttons = page.browser.find_elements("css selector", "#lane-list button")
    buttons[1].send_keys(Keys.ENTER)
    page.expect(selected="2")
    assert buttons[1].get_attribute("aria-pressed") == "true"
    unnamed = page.run(
        "return [...document.querySelectorAll('button, input, select, canvas[role]')]"
        ".filter((e) => !e.ariaLabel && !e.labels?.length && !e.textContent.trim()).length"
    )
    assert unnamed == 0


def test_zoom_shows_a_window_that_follows(
    open_page: Callable[..., Page], clip_records: Path
) -> None:
    page = open_page(clip_records, mode="none")
    page.press("+")
    page.at("lane-canvas", page.width("lane-canvas") * 0.9, 12).click().perform()
    page.expect(frame="22")  # 0.9 of a window of one second
    page.press(Keys.END)
    page.settle()
    page.at("lane-canvas", page.width("lane-canvas") - 2, 12).click().perform()
    page.expect(frame="49")
    page.press("0")
    page.at("lane-canvas", page.width("lane-canvas") * 0.51, 12).click().perform()
    page.expect(frame="25")
    page.assert_clean()


@pytest.mark.parametrize(
    ("frames", "people", "first_id", "skeleton"),
    [(0, 0, 1, COCO_17), (1, 1, 1, COCO_17), (4, 0, 1, COCO_17), (4, 3, 0, HALPE_136)],
    ids=["no frame", "one frame", "nobody", "without ids"],
)
def test_odd_records_open(
    open_page: Callable[..., Page],
    tmp_path: Path,
    write_records: Callable[..., Path],
    frames: int,
    people: int,
    first_id: int,
    skeleton: Skeleton,
) -> None:
    path = write_records(tmp_path / "p.ndjson", frames, people, "", skeleton, first_id)
    page = open_page(path)
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_DOWN, "+", "0", " ", " ")
    lanes = page.browser.find_elements("css selector", "#lane-list button")
    assert [lane.text for lane in lanes] == (
        ["no id"] if people and not first_id else [str(n + 1) for n in range(people)]
    )
    assert not page.element("stages-card").is_displayed()
    page.assert_clean()


def test_two_hundred_people_scroll(
    open_page: Callable[..., Page], tmp_path: Path, write_records: Callable[..., Path]
) -> None:
    page = open_page(write_records(tmp_path / "p.ndjson", 5, 200))
    assert len(page.browser.find_elements("css selector", "#lane-list button")) == 200
    page.press(Keys.ARROW_UP)
    page.expect(selected="200")
    height = page.run("return document.getElementById('lanes').clientHeight")
    page.at("lane-canvas", 5, height - 24 - 12).click().perform()
    page.expect(selected="199")
    page.assert_clean()


def test_a_selector_changes_the_clip(
    open_page: Callable[..., Page], tmp_path: Path, write_records: Callable[..., Path]
) -> None:
    page = open_page(
        write_records(tmp_path / "a.ndjson", 9, 1, "one.mp4"),
        write_records(tmp_path / "b.ndjson", 3, 4, "two.mp4", HALPE_136),
    )
    for name, frames, people in (("two.mp4", 3, 4), ("one.mp4", 9, 1), ("two.mp4", 3, 4)):
        Select(page.element("clip-choice")).select_by_visible_text(name)
        page.wait_for(f"return document.getElementById('facts').textContent.startsWith('{name}')")
        assert f"{frames} frames" in page.element("facts").text
        assert len(page.browser.find_elements("css selector", "#lane-list button")) == people
    page.assert_clean()


def test_records_of_one_clip_are_told_apart_and_nobody_has_no_scores(
    open_page: Callable[..., Page], tmp_path: Path, write_records: Callable[..., Path]
) -> None:
    page = open_page(
        write_records(tmp_path / "first.ndjson", 9, 1, "one.mp4"),
        write_records(tmp_path / "again.ndjson", 3, 0, "one.mp4"),
        write_records(tmp_path / "other.ndjson", 3, 1, "two.mp4"),
    )
    names = [option.text for option in Select(page.element("clip-choice")).options]
    assert names == ["one.mp4 · first.ndjson", "one.mp4 · again.ndjson", "two.mp4"]
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    assert page.browser.find_element("tag name", "h1").size["width"] > 300
    Select(page.element("clip-choice")).select_by_index(1)
    page.wait_for("return document.getElementById('facts').textContent.includes('3 frames')")
    numbers = page.browser.find_elements("css selector", "#joint-means .bars > span:last-child")
    assert [number.text for number in numbers] == ["–"]
    page.assert_clean()


def test_both_themes_have_contrast(open_page: Callable[..., Page], clip_records: Path) -> None:
    page = open_page(clip_records, mode="none")
    for _ in range(2):
        page.element("theme").click()
        page.settle()
        ink, ground = page.run(
            "return [getComputedStyle(document.body).color,"
            " getComputedStyle(document.body).backgroundColor]"
        )
        assert contrast(ink, ground) > 7


def contrast(first: str, second: str) -> float:
    """Return WCAG's contrast of two colours ``rgb(r, g, b)``."""
    values = []
    for text in (first, second):
        part = np.array([int(n) for n in text[4:-1].split(",")]) / 255
        linear = np.where(part <= 0.03928, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
        values.append(float(linear @ [0.2126, 0.7152, 0.0722]))
    return (max(values) + 0.05) / (min(values) + 0.05)


@pytest.fixture
def walk_records(tmp_path: Path) -> Path:
    """A walker whose angles are formulas, facing left."""
    return write_walker(tmp_path / "walk.ndjson", np.arange(60) / 30.0, faces_left=True)


def test_angles_of_the_page_are_those_that_measure_gives(
    open_page: Callable[..., Page], walk_records: Path
) -> None:
    page = open_page(walk_records, mode="none")
    names = [option.text for option in Select(page.element("angle")).options]
    assert "left knee" in names and "trunk (segment)" in names
    page.run(
        """HTMLAnchorElement.prototype.click = () => {};
        const make = URL.createObjectURL;
        URL.createObjectURL = (blob) => { window.blob = blob; return make(blob); };"""
    )
    for name, truth_of in (("left knee", "left_knee"), ("right hip", "right_hip")):
        Select(page.element("angle")).select_by_visible_text(name)
        page.settle()
        page.element("measure-export").click()
        text = page.browser.execute_async_script("window.blob.text().then(arguments[0]);")
        rows = [line.split(",") for line in text.splitlines()]
        assert rows[0] == ["id", "frame", "time_s", f"{truth_of}_deg"] and len(rows) == 61
        truth = true_angles(np.arange(60) / 30.0)[truth_of]
        # The page holds places in quarters of a pixel, the shank is 80 pixels long.
        np.testing.assert_allclose([float(row[3]) for row in rows[1:]], truth, atol=0.5)


def test_who_waits_for_an_identity_is_not_measured(
    open_page: Callable[..., Page], walk_records: Path, tmp_path: Path
) -> None:
    lines = walk_records.read_text().splitlines()
    frames = [json.loads(line) for line in lines[1:-1]]
    for frame in frames[:2]:
        frame["people"] += [{**frame["people"][0], "id": None}] * 2
    waiting = tmp_path / "waiting.ndjson"
    waiting.write_text("\n".join([lines[0], *map(json.dumps, frames), lines[-1]]) + "\n")
    page = open_page(waiting, mode="none")
    lanes = page.browser.find_elements("css selector", "#lane-list button")
    assert [lane.text for lane in lanes] == ["1", "no id"]
    page.settle()
    cells = page.browser.find_elements("css selector", "#measure-table tbody td:first-child")
    assert [cell.text for cell in cells] == ["1"]
    lanes[1].click()
    page.settle()
    assert page.browser.find_elements("css selector", "#measure-table tbody td") == []
    page.assert_clean()


@pytest.mark.parametrize(("people", "shown"), [(1, True), (2, False)])
def test_the_only_person_of_a_clip_is_measured_without_an_id(
    open_page: Callable[..., Page],
    write_records: Callable[..., Path],
    tmp_path: Path,
    people: int,
    shown: bool,
) -> None:
    page = open_page(write_records(tmp_path / "p.ndjson", 20, people, first_id=0), mode="none")
    assert page.element("measure-card").is_displayed() == shown
    cells = page.browser.find_elements("css selector", "#measure-table tbody td:nth-child(2)")
    assert [cell.text for cell in cells] == (["20"] if shown else [])


def test_a_span_is_dragged_and_its_statistics_shown(
    open_page: Callable[..., Page], walk_records: Path
) -> None:
    page = open_page(walk_records, mode="none")
    Select(page.element("angle")).select_by_visible_text("left hip")
    page.settle()
    middle = 112 + (page.width("measure") - 112) / 2
    drag = page.at("measure", 114, 100).click_and_hold().move_by_offset(round(middle - 114), 0)
    drag.release().perform()
    page.settle()
    cells = page.browser.find_elements("css selector", "#measure-table tbody td")
    frames, least, most = int(cells[1].text), float(cells[2].text), float(cells[3].text)
    assert 28 <= frames <= 33
    truth = true_angles(np.arange(frames) / 30.0)["left_hip"]
    assert (least, most) == pytest.approx((truth.min(), truth.max()), abs=1.0)
    page.element("measure-all").click()
    page.settle()
    cells = page.browser.find_elements("css selector", "#measure-table tbody td")
    assert cells[1].text == "60"
    page.assert_clean()


def test_a_clip_without_people_says_so(
    open_page: Callable[..., Page], write_records: Callable[..., Path], tmp_path: Path
) -> None:
    page = open_page(write_records(tmp_path / "poses.ndjson", 20, people=0), mode="none")
    assert "0 identities" in page.element("facts").text
    assert not page.element("measure-card").is_displayed()
    drawn = page.run(
        """const texts = [];
        CanvasRenderingContext2D.prototype.fillText = (text) => texts.push(text);
        window.dispatchEvent(new Event("resize"));
        document.getElementById("theme").click();
        return new Promise((done) => setTimeout(() => done(texts), 300));"""
    )
    assert "nobody" in drawn and "no joints" in drawn
    assert not [text for text in drawn if "most" in text or "%" in text]
