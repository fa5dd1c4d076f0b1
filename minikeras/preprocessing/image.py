"""Images as files and as arrays."""

from minikeras.utils import array_to_img, img_to_array, load_img, save_img
from minikeras.utils.resampling import smart_resize

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]
