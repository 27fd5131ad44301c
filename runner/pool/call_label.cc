#include "runner/pool/call_label.h"

#include <cstdlib>
#include <cxxabi.h>
#include <memory>

namespace enjoin {
namespace {

// "enjoin::detail::NamedFunction<&(square(int))>" is square(int).
std::string function_name(const char* mangled) {
  int failed = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &failed), std::free);
  std::string text = failed == 0 && name != nullptr ? name.get() : mangled;
  const std::string_view named = "enjoin::detail::NamedFunction<";
  const std::string_view typed = "enjoin::detail::TypedFunction<";
  if (text.starts_with(typed)) return "a lambda";
  if (!text.starts_with(named) || !text.ends_with('>')) return text;
  text = text.substr(named.size(), text.size() - named.size() - 1);
  if (text.starts_with("&(") && text.ends_with(')')) text = text.substr(2, text.size() - 3);
  if (text.starts_with('&')) text.erase(0, 1);
  return text;
}

}  // namespace

std::string call_label(const CallCell& cell) {
  return "call " + std::to_string(cell.number) + " of " + function_name(cell.function->name());
}

}  // namespace enjoin
