#include "runner/executor/frame_text.h"

namespace enjoin {

void FrameReader::take(bool* value) {
  std::uint8_t byte = 0;
  take(&byte);
  if (byte > 1) fail();
  *value = good_ && byte == 1;
}

void FrameReader::take(std::chrono::nanoseconds* value) {
  std::int64_t count = 0;
  take(&count);
  *value = std::chrono::nanoseconds(count);
}

void FrameReader::take(std::chrono::microseconds* value) {
  std::int64_t count = 0;
  take(&count);
  *value = std::chrono::microseconds(count);
}

void FrameReader::take(std::string* text) {
  std::uint32_t size = 0;
  take(&size);
  if (size > rest_.size()) fail();
  if (!good_) {
    text->clear();
    return;
  }
  text->assign(rest_.data(), size);
  rest_.remove_prefix(size);
}

}  // namespace enjoin
