#include "runner/executor/helper_place.h"

#include <cstdlib>
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "enjoin/error.h"

namespace enjoin {
namespace {

/// The folder of the library or, where it is linked statically, of the program.
std::string own_folder() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&own_folder), &info) == 0 ||
      info.dli_fname == nullptr) {
    return {};
  }
  std::string path = info.dli_fname;
  if (path.find('/') == std::string::npos) {  // a program found by PATH
    char self[4096];
    const ssize_t size = ::readlink("/proc/self/exe", self, sizeof self);
    if (size <= 0) return {};
    path.assign(self, static_cast<std::size_t>(size));
  }
  return path.substr(0, path.rfind('/'));
}

std::vector<std::string> places(const std::string& folder) {
  if (!folder.empty()) return {folder};
  if (const char* chosen = std::getenv("ENJOIN_LIBEXEC"); chosen != nullptr && *chosen != '\0') {
    return {chosen};
  }
  std::vector<std::string> found;
  if (const std::string own = own_folder(); !own.empty()) {
    found = {own + "/../libexec/enjoin", own + "/../../libexec/enjoin", own};
  }
#ifdef ENJOIN_LIBEXECDIR
  found.emplace_back(ENJOIN_LIBEXECDIR);
#endif
  return found;
}

}  // namespace

Helper find_helper(const std::string& name, const std::string& folder) {
  std::string looked;
  for (std::string& place : places(folder)) {
    const std::string path = place + "/" + name;
    ipc::UniqueFd program(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (program && ::access(path.c_str(), X_OK) == 0) {
      return {std::move(program), std::move(place)};
    }
    looked += (looked.empty() ? "" : ", ") + place;
  }
  throw Error("cannot find the helper program " + name + " (looked in " + looked +
              "): set ExecutorOptions::helpers or ENJOIN_LIBEXEC to the folder that holds it");
}

}  // namespace enjoin
