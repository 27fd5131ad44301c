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

// Where the last `count` extensions begin, with their dot; npos where there are less.
std::size_t extensions_at(std::string_view value, int count) {
  std::size_t end = value.size();
  for (; count > 0; --count) {
    const std::size_t dot = value.substr(0, end).find_last_of("./");
    if (dot == value.npos || value[dot] == '/') return value.npos;
    end = dot;
  }
  return end;
}

std::string_view without_extensions(std::string_view value, int count) {
  return value.substr(0, extensions_at(value, count));
}

std::string_view extensions(std::string_view value, int count) {
  const std::size_t at = extensions_at(value, count);
  return at == value.npos ? std::string_view() : value.substr(at + 1);
}

// What lies before (or after) the last `mark`; nothing where there is none.
std::string_view before_last(std::string_view value, char mark) {
  const std::size_t at = value.rfind(mark);
  return value.substr(0, at == value.npos ? 0 : at);
}
std::string_view after_last(std::string_view value, char mark) {
  const std::size_t at = value.rfind(mark);
  return at == value.npos ? std::string_view() : value.substr(at + 1);
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
    case ValuePart::kNo2Extensions:
      return without_extensions(value, 2);
    case ValuePart::kNo3Extensions:
      return without_extensions(value, 3);
    case ValuePart::kBaseNo2Extensions:
      return without_extensions(base(value), 2);
    case ValuePart::kBaseNo3Extensions:
      return without_extensions(base(value), 3);
    case ValuePart::kFolder:
      return before_last(value, '/');
    case ValuePart::kExtension:
      return after_last(value, '.');
    case ValuePart::k2Extensions:
      return extensions(value, 2);
    case ValuePart::k3Extensions:
      return extensions(value, 3);
  }
  return value;
}

}  // namespace enjoin
