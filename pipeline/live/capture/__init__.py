"""Where live frames come from: cameras, streams, clips played at their own pace."""

from pipeline.live.capture.address import Capture, LiveAddress, parse_source
from pipeline.live.capture.reader import LiveReader, LiveReadOptions

__all__ = ["Capture", "LiveAddress", "LiveReadOptions", "LiveReader", "parse_source"]
