"""The thing on a page: a digit written on paper or a garment laid down, found in a photograph and framed as the data set frames it.

Of digits the local light is divided out, and lines, frames and edges are told from ink by thickness, straightness, size and what
they enclose. A garment is what differs in colour from all that lies along the picture's edge (GrabCut; Rother et al. 2004). Clean
drawings, whose background is of one value, are taken as they are.
"""

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from PIL import Image

from explorer import imaging
from explorer.imaging import PictureError

LONGEST = 1000  # pixels along a side that are read: more than enough for what becomes a picture of 28
_LONGEST = 512  # of the copy in which a page is searched
_GARMENT = 160  # of the one in which a garment is: GrabCut takes its time
_FLAT = 0.5 / 255  # about one value: a background that no camera saw
_THICKEST = 0.22  # of the picture's shorter side: a stroke is thinner, a shadow or the table is not
_FAINTEST = 0.08  # of the light: less is no ink
_MOST_PARTS = 60  # of strokes on a page
_SPECK = 0.07  # of the largest part: what is smaller belongs to nothing
_DARKEST = 0.25  # light in which ink is seen: in less there is noise
_BOARD = 0.55  # what is lighter is no board that one writes on with chalk
_THIN = 0.018  # of the picture's shorter side: as rules are, and where they cross
_FAINT_LINE = 0.13  # of the light: what is no darker, and as thin as rules, is printed
_FROM_EDGES = 0.3  # of the picture's edge: a shadow covers more of it, a drawing does not
_PRINTED = 0.5  # as dark as rules are at most; a frame that somebody drew is darker
_CLOTH = 0.15  # how much a garment varies that fills the picture
_NOTHING = "There is nothing to see in this picture yet: draw or choose one thing on a plain background."


@dataclass(frozen=True)
class Page:
    """What was found: `ink` float32 (h, w) in [0, 1], `labels` (h, w): 0 what was thrown away, i + 1 the thing i.

    `things`: boxes (left, top, width, height), the one most likely meant first; `chosen`: those that are framed. `size`: width and
    height of the picture as it was read, in whose pixels all places are.
    `square`: x, y of its middle and its side, around what is framed.
    `plain`: a clean drawing, which was taken whole.
    """

    ink: np.ndarray
    labels: np.ndarray
    things: tuple
    size: tuple
    square: dict = field(default_factory=dict)
    chosen: tuple = (0,)
    plain: bool = False

    @property
    def kept(self):
        """Which pixels of `ink` are framed: bool (h, w)."""
        return np.isin(self.labels, [i + 1 for i in self.chosen])


def framed(file_bytes, image_shape, framing, square=None):
    """A drawing or photograph of one bright or dark thing -> float32 image_shape in [0, 1], as the data set frames it.

    `framing` "mnist": grey on black, the thing's longest side 20 of 28 pixels, its centre of mass on pixel (14, 14) (LeCun et
    al. 1998). "fashion": its longest side 28, its box in the middle. Pictures of 32 pixels are these, zero-padded. A
    light background is inverted. `square`: as in `read`. Raises PictureError if nothing stands out.
    """
    return centred(read(file_bytes, framing, square), image_shape, framing)


def read(file_bytes, framing, square=None):
    """The bytes of a picture file -> what is on the page, as a `Page`.

    `square`: {"x", "y", "side"} in pixels of `Page.size`, within which everything is wanted; None: the likeliest thing is.
    Raises PictureError for what is no picture, and where there is nothing to see.
    """
    picture = imaging.read_picture(file_bytes, LONGEST)
    grey = picture[..., :3] @ np.array([0.299, 0.587, 0.114], "float32")
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    background = float(np.median(border))
    cut_out = picture[..., 3].min() < 0.5
    flat = cut_out or (np.abs(border - background) < _FLAT).mean() > 0.5
    if flat and square is None:
        whole = imaging.read_picture(file_bytes, imaging.LONGEST) if max(grey.shape) == LONGEST else picture  # a dot may be all
        clean = _clean(whole[..., :3] @ np.array([0.299, 0.587, 0.114], "float32"), whole[..., 3], background)
        if cut_out or framing == "fashion" or background < 0.5:
            return clean
        page = _page(picture, framing)
        if not page.things and _share_of_edge(clean) > _FROM_EDGES:
            raise PictureError(_NOTHING)  # paper so bright that it is of one value, with a shadow on it
        return page if len(page.things) > 1 or page.things and _much_thrown_away(clean, page) else clean
    page = _page(imaging.opaque(picture), framing)
    if not page.things and framing == "fashion" and square is None and grey.std() > _CLOTH:
        return _clean(grey, picture[..., 3], background)  # cloth from edge to edge
    if square is not None:
        page = _within(page, square)
    if not page.things:
        raise PictureError(_NOTHING)
    return page


def centred(page, image_shape, framing):
    """What is chosen of a page -> float32 image_shape in [0, 1], as the data set frames it."""
    mask = page.kept
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    ink = page.ink * cv2.dilate(mask.astype("uint8"), np.ones((3, 3), "uint8"))  # with the soft edge of its strokes
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    thing = 20 if framing == "mnist" else 28
    scale = thing / max(box.shape)
    size = [max(1, round(side * scale)) for side in reversed(box.shape)]
    small = np.asarray(Image.fromarray(box).resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC))
    small = np.clip(small, 0, 1)
    height, width = image_shape[:2]
    if framing == "mnist":
        weights = small + 1e-6
        # MNIST's centres of mass lie on pixel 14, which is half a pixel past the middle
        middle = [float(np.average(np.arange(side), weights=weights.sum(1 - axis))) for axis, side in enumerate(small.shape)]
    else:
        middle = [side / 2 for side in small.shape]
    top, left = (
        int(np.clip(np.floor(whole / 2 - centre + 0.5), 0, whole - side))  # halves go down and right, as in both data sets
        for whole, centre, side in zip((height, width), middle, small.shape, strict=True)
    )
    canvas = np.zeros(image_shape, "float32")
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small[..., None]
    return canvas


def _clean(grey, alpha, background):
    """The page of a drawing on one value, or of a cut-out: all that stands out is one thing."""
    if alpha.min() < 0.5:  # what is transparent is background, whatever colour lies under it
        ink = alpha * (grey if grey[alpha > 0.5].mean() > 0.5 else 1 - grey) if alpha.max() > 0.5 else alpha * 0
    else:
        ink = (1 - grey if background > 0.5 else grey) - min(background, 1 - background)
    ink = np.clip(ink, 0, 1)
    peak = float(ink.max())
    mask = ink > max(0.15 * peak, 0.06)
    if peak < 0.1 or mask.sum() < 2:
        raise PictureError(_NOTHING)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    labels = np.zeros(ink.shape, "uint8")  # its whole box: the faintest of its edge too
    labels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = 1
    box = (int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1))
    return _with_square(Page(ink / peak, labels, (box,), grey.shape[::-1], plain=True))


def _much_thrown_away(clean, page):
    """Whether a page has a good deal less than the clean drawing: a frame or rules went."""
    return max(page.things[0][2:]) < 0.9 * max(clean.things[0][2:])


def _share_of_edge(page):
    """How much of the picture's edge is ink."""
    ink = page.ink > 0.15
    return float(np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]]).mean())


def _with_square(page):
    boxes = np.array([page.things[i] for i in page.chosen], float)
    (left, top), (right, bottom) = boxes[:, :2].min(0), (boxes[:, :2] + boxes[:, 2:]).max(0)
    square = {"x": (left + right) / 2, "y": (top + bottom) / 2, "side": 1.2 * max(right - left, bottom - top)}
    return replace(page, square=square)


def _within(page, square):
    """The page with all that has its middle within a square chosen."""
    x, y, half = float(square["x"]), float(square["y"]), float(square["side"]) / 2
    inside = [
        i for i, (left, top, width, height) in enumerate(page.things)
        if abs(left + width / 2 - x) <= half and abs(top + height / 2 - y) <= half
    ]  # fmt: skip
    if not inside:
        raise PictureError("There is nothing within the square: move it over the digit or the garment.")
    return replace(page, square={"x": x, "y": y, "side": 2 * half}, chosen=tuple(inside))


def _page(picture, framing):
    """A photograph, float (h, w, 3 or 4) in [0, 1] -> a `Page`, with no things where nothing was found."""
    height, width = picture.shape[:2]
    scale = min(1, (_LONGEST if framing == "mnist" else _GARMENT) / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(picture[..., :3], size, interpolation=cv2.INTER_AREA)
    ink, labels = _written(small) if framing == "mnist" else _laid_down(small)
    boxes = [cv2.boundingRect((labels == i + 1).astype("uint8")) for i in range(int(labels.max(initial=0)))]
    across, down = width / size[0], height / size[1]
    things = tuple((left * across, top * down, w * across, h * down) for left, top, w, h in boxes)
    page = Page(ink, labels, things, (width, height))
    return _with_square(page) if things else page


# --- digits ---


def _written(picture):
    """What is written on a page, float32 (h, w, 3) -> its ink, float32 (h, w), and the labels of its things."""
    grey = cv2.medianBlur(picture @ np.array([0.299, 0.587, 0.114], "float32"), 3)
    if _light_on_dark(grey):
        grey = 1 - grey
    ink = _divided(grey)
    noise = 1.4826 * float(np.median(np.abs(ink)))
    strong = float(np.quantile(ink, 0.997))
    least = max(_FAINTEST, 4 * noise)
    faint = max(_FAINTEST, min(least, 0.5 * strong))  # narrow squares raise the noise, too
    rules = _rules((ink > faint).astype("uint8"))
    rule = 0.0  # as dark as they are
    if rules is not None:
        rule = float(np.quantile(ink[rules > 0], 0.8))
        ink = ink * (1 - rules)
    mask = (ink > max(least, 0.3 * strong)).astype("uint8")
    if rules is not None:
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, _kernel(3))
    return _things(ink, mask, rule)


def _kernel(side):
    return np.ones((side, side), "uint8")


def _light_on_dark(grey):
    """Whether thin bright things stand out more than thin dark ones: chalk on a board."""
    middle = float(np.median(grey))
    if middle > _BOARD:
        return False
    kernel = _kernel(max(3, int(0.1 * min(grey.shape)) | 1))
    dark, bright = (cv2.morphologyEx(grey, how, kernel) for how in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT))
    most = max(float(np.quantile(dark, 0.999)), float(np.quantile(bright, 0.999)))
    prior = 3 if middle < 0.35 else 0.25
    return prior * float((bright > 0.5 * most).sum()) > float((dark > 0.5 * most).sum())


def _divided(grey):
    """How much darker each pixel is than the paper there: float32 (h, w), 0 on paper. What is wider than a stroke is paper too."""
    reach = max(3, int(_THICKEST * min(grey.shape)) | 1)
    wide = cv2.copyMakeBorder(grey, reach, reach, reach, reach, cv2.BORDER_REPLICATE)  # a table goes on beyond the edge
    light = cv2.morphologyEx(wide, cv2.MORPH_CLOSE, _kernel(reach))[reach:-reach, reach:-reach]
    light = light * np.median(grey / np.maximum(light, 0.05))  # which the noise had raised
    return (light - grey) / np.maximum(light, _DARKEST)


def _rules(mask):
    """The thin lines that cross a page, less what is thicker on them: uint8 (h, w), or None if there are none."""
    height, width = mask.shape
    found = np.zeros_like(mask)
    thick = cv2.dilate(mask, _kernel(3))
    for across in (True, False):
        here, length = (thick, width) if across else (thick.T.copy(), height)
        whole = np.zeros_like(here)
        side = max(9, length // 8) | 1
        for slope in np.tan(np.radians(np.arange(-9, 10, 3))):
            rise = round(slope * side / 2)
            kernel = np.zeros((2 * abs(rise) + 1, side), "uint8")
            cv2.line(kernel, (0, abs(rise) - rise), (side - 1, abs(rise) + rise), 1)
            whole |= cv2.morphologyEx(here, cv2.MORPH_OPEN, kernel)
        count, parts, stats, _ = cv2.connectedComponentsWithStats(whole)
        long = np.flatnonzero(stats[1:, cv2.CC_STAT_WIDTH] > 0.6 * length) + 1
        if not len(long):
            continue
        lines = np.isin(parts, long).astype("uint8")
        original = mask if across else mask.T.copy()
        # thickness: what most columns of the lines have
        runs = _runs(original & lines)
        thickness = int(np.ceil(np.median(runs[runs > 0]))) if (runs > 0).any() else 0
        if not 0 < thickness <= 0.03 * min(height, width):
            continue
        strokes = cv2.morphologyEx(original, cv2.MORPH_OPEN, np.ones((thickness + 3, 1), "uint8"))
        gone = original & lines & ~strokes
        found |= gone if across else gone.T
    return found if found.any() else None


def _runs(mask):
    """How many pixels of a mask lie one above the other, at each of its pixels' topmost: int (h, w), else 0."""
    runs = np.zeros(mask.shape, "int32")
    for row in range(mask.shape[0] - 1, -1, -1):
        runs[row] = (runs[row + 1] + 1) * mask[row] if row + 1 < mask.shape[0] else mask[row]
    runs[1:] *= mask[:-1] == 0
    return runs


def _things(ink, mask, rule):
    """The ink of what can be a digit, its peak 1, and the labels of the digits, the likeliest first."""
    height, width = mask.shape
    none = np.zeros_like(ink), np.zeros(mask.shape, "uint8")
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask)
    sides = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(1)
    large = [i for i in np.argsort(-sides) if i and sides[i] > 3][:_MOST_PARTS]
    kept = [i for i in large if _is_stroke(parts, stats, i)]
    kept = [i for i in kept if sides[i] > _SPECK * sides[kept[0]]]
    if not kept:
        return none
    groups = _grouped(parts, stats, kept)
    boxes = [_box(stats[group]) for group in groups]
    tallest = max(max(box[2:]) for box in boxes)
    least = max(0.4 * tallest, 12, 0.05 * min(height, width))
    found = [
        (group, box) for group, box in zip(groups, boxes, strict=True)
        if max(box[2:]) > least and _is_ink(ink, np.isin(parts, group), mask, rule if rule < _PRINTED else 0)
    ]  # fmt: skip
    if not found:
        return none
    found.sort(key=lambda pair: -_likelihood(pair[1], mask.shape))
    labels, clear = np.zeros(mask.shape, "uint8"), np.zeros_like(ink)
    for number, (group, _) in enumerate(found[:20], 1):
        own = np.isin(parts, group)
        around = cv2.dilate(own.astype("uint8"), _kernel(3)) > 0
        peak = float(np.quantile(ink[own], 0.7))
        value = np.clip((ink - 0.1 * peak) / (0.9 * peak), 0, 1) * around
        clear = np.maximum(clear, _thickened(value, own, _box(stats[group])))
        labels[own] = number
    return clear.astype("float32"), labels


def _is_ink(ink, own, mask, rule):
    """Whether a thing, bool (h, w), has edges, as light has not, and is no remnant of rules, which is as thin and faint."""
    peak = float(np.quantile(ink[own], 0.7))
    own = own.astype("uint8")
    beside = (cv2.dilate(own, _kernel(11)) > cv2.dilate(own, _kernel(5))) & (mask == 0)
    if beside.any() and ink[beside].mean() > 0.3 * peak:
        return False
    return peak > max(1.2 * rule, _FAINT_LINE) or _thickness(own) > _THIN * min(ink.shape)


def _thickness(own):
    """Of strokes, in pixels: across a bar the mean distance to its edge is a quarter of it."""
    return 4 * float(cv2.distanceTransform(own, cv2.DIST_L2, 3)[own > 0].mean())


def _box(stats):
    left, top = stats[:, 0].min(), stats[:, 1].min()
    return left, top, (stats[:, 0] + stats[:, 2]).max() - left, (stats[:, 1] + stats[:, 3]).max() - top


def _likelihood(box, shape):
    """Of being what is meant: large, and near the middle."""
    left, top, width, height = box
    off = np.hypot((left + width / 2) / shape[1] - 0.5, (top + height / 2) / shape[0] - 0.5)
    return max(width, height) * (1 - 0.7 * off)


def _is_stroke(parts, stats, i):
    """Whether a connected part can be of a digit: no speck, no blob at the edge, nothing that frames the others."""
    left, top, width, height, area = stats[i]
    tall, wide = parts.shape
    if area < 6:
        return False
    part = (parts[top : top + height, left : left + width] == i).astype("uint8")
    near = round(0.02 * min(tall, wide))
    beside, above = left <= near or left + width >= wide - near, top <= near or top + height >= tall - near
    touching = beside or above
    corner = 2 * near  # light is no darker at once where a finger begins
    cornered = (left <= corner or left + width >= wide - corner) and (top <= corner or top + height >= tall - corner)
    if cornered and max(width, height) < 0.4 * min(tall, wide):
        return False  # a thumb that holds the page
    thickness = 2 * float(cv2.distanceTransform(cv2.copyMakeBorder(part, 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.DIST_L2, 3).max())
    if touching:
        along = max(width, height) > 0.5 * min(tall, wide) and min(width, height) < 0.2 * max(width, height)
        narrow, beside_it = min(width, height), above if width > height else beside
        along = along or narrow < near or (beside_it and narrow <= corner)  # a rule that leaves the page
        if along or thickness > 0.45 * max(width, height) or max(width, height) < 0.15 * min(tall, wide):
            return False
    if width > 0.5 * wide or height > 0.5 * tall:
        corners = cv2.minAreaRect(cv2.findNonZero(part))[1]
        hollow = area < 0.2 * corners[0] * corners[1]
        hull = cv2.contourArea(cv2.convexHull(cv2.findNonZero(part)))
        if hollow and hull > 0.85 * corners[0] * corners[1] and min(corners) > 0.25 * min(tall, wide):
            return False
    return True


def _grouped(parts, stats, kept):
    """Parts that make one digit: near each other, as seen from their size, and one above the other; lists of labels."""
    groups = {i: [i] for i in kept}
    for small in sorted(kept, key=lambda i: stats[i, cv2.CC_STAT_AREA]):
        if small not in groups:
            continue
        best = None
        for other in groups:
            if other == small:
                continue
            a, b = _box(stats[groups[small]]), _box(stats[groups[other]])
            size = max(*a[2:], *b[2:])
            gap = [max(0, max(a[axis], b[axis]) - min(a[axis] + a[axis + 2], b[axis] + b[axis + 2])) for axis in (0, 1)]
            over = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
            stacked = over > 0.3 * min(a[2], b[2])
            fragment = max(a[2:]) < 0.45 * max(b[2:])
            reach = 0.2 if stacked else 0.1 if fragment else 0.0
            if np.hypot(*gap) <= reach * size and (reach > 0) and (best is None or np.hypot(*gap) < best[0]):
                best = (np.hypot(*gap), other)
        if best:
            groups[best[1]] += groups.pop(small)
    return list(groups.values())


def _thickened(value, own, box):
    """A pen's thin strokes as thick as the data set's, which are a tenth of the digit."""
    size = max(box[2:])
    lack = 0.09 * size - _thickness(own.astype("uint8"))
    if lack < 0.02 * size:
        return value
    return cv2.dilate(value, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (int(lack) + 1,) * 2))


# --- garments ---


def _laid_down(picture):
    """A garment on a ground, float32 (h, w, 3) -> how dark it is, float32 (h, w), 0 beyond it, and its label."""
    none = np.zeros(picture.shape[:2], "float32"), np.zeros(picture.shape[:2], "uint8")
    height, width = picture.shape[:2]
    if min(height, width) < 12:
        return none
    pixels = imaging.to_bytes(cv2.bilateralFilter(picture, 5, 0.08, 3))
    far = _unlike_the_edge(pixels)
    edge = max(2, round(0.05 * min(height, width)))
    inner = np.zeros((height, width), bool)
    inner[edge:-edge, edge:-edge] = True
    high, low = np.quantile(far[~inner], 0.98), np.quantile(far[~inner], 0.7)
    mask = np.full((height, width), cv2.GC_PR_BGD, "uint8")
    mask[far > max(low, 4)] = cv2.GC_PR_FGD
    mask[(far < low) & ~inner] = cv2.GC_BGD
    mask[~inner] = cv2.GC_BGD
    if (far[inner] > max(high, 6)).mean() < 0.01:
        return none
    cv2.setRNGSeed(0)  # GrabCut starts its clusters by chance
    cv2.grabCut(pixels, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    solid = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype("uint8")
    solid = cv2.morphologyEx(cv2.morphologyEx(solid, cv2.MORPH_OPEN, _kernel(3)), cv2.MORPH_CLOSE, _kernel(5))
    _, parts, stats, _ = cv2.connectedComponentsWithStats(solid)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if not len(areas) or areas.max() < 0.01 * solid.size:
        return none
    order = [i + 1 for i in np.argsort(-areas) if areas[i] > 0.3 * areas.max()]
    labels, dark = np.zeros(solid.shape, "uint8"), np.zeros(solid.shape, "float32")
    grey = picture @ np.array([0.299, 0.587, 0.114], "float32")
    white = float(np.quantile(grey, 0.98))
    for number, i in enumerate(order[:20], 1):
        own = parts == i
        value = np.clip(1 - grey / white, 0.04, 1)
        dark[own] = np.clip(value[own] / max(float(np.quantile(value[own], 0.98)), 0.3), 0, 1)
        labels[own] = number
    return dark, labels


def _unlike_the_edge(pixels):
    """How far each pixel's colour is from all that lie along the picture's edge, in their own spread: float32 (h, w)."""
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB).astype("float32")
    lab[..., 0] *= 0.7  # light falls off, colour does not
    edge = max(2, round(0.05 * min(pixels.shape[:2])))
    around = np.concatenate([band.reshape(-1, 3) for band in (lab[:edge], lab[-edge:], lab[:, :edge], lab[:, -edge:])])
    cv2.setRNGSeed(0)
    _, _, centres = cv2.kmeans(around, 6, None, (cv2.TERM_CRITERIA_MAX_ITER, 10, 0), 1, cv2.KMEANS_PP_CENTERS)
    far = np.min([np.square(lab - centre).sum(-1) for centre in centres], 0)
    return cv2.GaussianBlur(np.sqrt(far), (0, 0), 1)
