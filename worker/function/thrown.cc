#include <cstdlib>
#include <cxxabi.h>
#include <memory>

#include "enjoin/archive.h"
#include "worker/function/function_protocol.h"

namespace enjoin {
namespace {

std::string demangled(const std::type_info* type) {
  if (type == nullptr) return {};
  int failed = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(type->name(), nullptr, nullptr, &failed), std::free);
  return failed == 0 && name != nullptr ? name.get() : type->name();
}

}  // namespace

Thrown current_thrown() {
  Thrown thrown{demangled(abi::__cxa_current_exception_type()), {}};
  try {
    throw;
  } catch (const std::exception& e) {
    thrown.text = e.what();
  } catch (const std::string& text) {
    thrown.text = text;
  } catch (const char* text) {
    thrown.text = text;
  } catch (...) {
    thrown.text = "something that is no std::exception";
  }
  return thrown;
}

std::string write_thrown(const Thrown& thrown) {
  ArchiveWriter to;
  to(thrown.type, thrown.text);
  return std::string(to.view());
}

Thrown read_thrown(std::string_view bytes) {
  Thrown thrown;
  try {
    ArchiveReader from(bytes);
    from(thrown.type, thrown.text);
  } catch (const ArchiveError&) {
  }
  return thrown;
}

}  // namespace enjoin
