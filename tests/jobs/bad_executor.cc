// Stands where enjoin-executor should: says hello, and then something wrong, as $BAD_EXECUTOR asks
// for. Raw bytes, for what it says no library of ours would.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unistd.h>

#include "runner/executor/protocol.h"

namespace {

using namespace enjoin;

void say(std::uint16_t kind, std::string_view body, std::uint16_t descriptors = 0,
         std::uint32_t size = 0) {
  const FrameHeader header{size != 0 ? size : static_cast<std::uint32_t>(body.size()), kind,
                           descriptors};
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes += body;
  if (::write(kExecutorSocket, bytes.data(), bytes.size()) < 0) ::_exit(1);
}

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

void read_frame() {
  FrameHeader header;
  if (::read(kExecutorSocket, &header, sizeof header) != sizeof header) ::_exit(0);
  std::string body(header.size, '\0');
  std::size_t size = 0;
  while (size < body.size()) {
    const ssize_t more = ::read(kExecutorSocket, body.data() + size, body.size() - size);
    if (more <= 0) ::_exit(0);
    size += static_cast<std::size_t>(more);
  }
}

}  // namespace

int main() {
  const char* chosen = std::getenv("BAD_EXECUTOR");
  const std::string_view mode = chosen != nullptr ? chosen : "";
  const std::uint32_t version = mode == "version" ? kExecutorProtocol + 1 : kExecutorProtocol;
  if (mode == "refuse") {
    std::string text(bytes_of(std::uint32_t{8}));
    text += "no space";
    say(static_cast<std::uint16_t>(ExecutorFrame::kFailed), text);
    return 1;
  }
  say(static_cast<std::uint16_t>(ExecutorFrame::kHello), bytes_of(version));
  read_frame();  // kSetup
  read_frame();  // the first job
  std::string started(bytes_of(std::uint64_t{1}));
  started += bytes_of(std::uint32_t{1});
  if (mode == "die") return 0;
  if (mode == "garbage") say(0xffff, "what is this?");
  if (mode == "short") say(static_cast<std::uint16_t>(ExecutorFrame::kEnded), "x");
  if (mode == "large") say(static_cast<std::uint16_t>(ExecutorFrame::kEnded), "x", 0, ~0U);
  if (mode == "descriptors") say(static_cast<std::uint16_t>(ExecutorFrame::kStarted), started, 2);
  if (mode == "failed") {
    std::string text(bytes_of(std::uint32_t{8}));
    text += "no space";
    say(static_cast<std::uint16_t>(ExecutorFrame::kStarted), started);
    say(static_cast<std::uint16_t>(ExecutorFrame::kFailed), text);
  }
  char byte = 0;
  while (::read(kExecutorSocket, &byte, 1) > 0) {
  }
  return 0;
}
