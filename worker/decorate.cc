#include "worker/decorate.h"

#include <cstring>

namespace enjoin {

void LineTagger::append(std::string_view bytes, std::string* out) {
  while (!bytes.empty()) {
    if (at_line_start_) {
      *out += tag_;
      *out += '\t';
    }
    const std::size_t end = bytes.find('\n');
    at_line_start_ = end != std::string_view::npos;
    const std::size_t size = at_line_start_ ? end + 1 : bytes.size();
    out->append(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
}

std::string cut_mark(std::uint64_t cap_bytes, std::uint64_t written_bytes) {
  return "\n[enjoin: output cut here: " + std::to_string(written_bytes) + " bytes were written, " +
         std::to_string(cap_bytes) + " are kept (--max-output)]\n";
}

}  // namespace enjoin
