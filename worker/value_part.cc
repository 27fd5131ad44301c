#include "worker/value_part.h"

namespace enjoin {
namespace {

std::string_view base(std::string_view value) {
  const std::size_t slash = value.rfind('/');
  return slash == value.npos ? value : value.substr(slash + 1);
}

std::string_view no_extension(std::string_view value) {
  const std::size_t at = value.find_last_of("./");
  return at == value.npos || value[at] == '/' ? value : value.substr(0, at);
}

std::string_view without_final_slashes(std::string_view value) {
  const std::size_t last = value.find_last_not_of('/');
  // The root keeps its slash.
  return value.substr(0, last == value.npos ? 1 : last + 1);
}

std::string_view directory(std::string_view value) {
  const std::string_view name = without_final_slashes(value);
  const std::size_t slash = name.rfind('/');
  if (slash == name.npos) return ".";
  return without_final_slashes(name.substr(0, slash + 1));
}

}  // namespace

std::string_view value_part(std::string_view value, ValuePart part) {
  switch (part) {
    case ValuePart::kWhole:
      return value;
    case ValuePart::kNoExtension:
      return no_extension(value);
    case ValuePart::kBase:
      return base(value);
    case ValuePart::kDirectory:
      return directory(value);
    case ValuePart::kBaseNoExtension:
      return no_extension(base(value));
  }
  return value;
}

}  // namespace enjoin
