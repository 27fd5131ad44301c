#include "worker/temp_names.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "ipc/unique_fd.h"

namespace enjoin {
namespace {

void remove_entry(int folder, const std::string& name) {
  if (::unlinkat(folder, name.c_str(), 0) == 0) return;
  const ipc::UniqueFd inner(
      ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (inner) empty_folder(inner.get());
  ::unlinkat(folder, name.c_str(), AT_REMOVEDIR);
}

void remove_entries(int folder, const std::string& beginning) {
  const int listed = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const entries = listed >= 0 ? ::fdopendir(listed) : nullptr;
  if (entries == nullptr) {
    if (listed >= 0) ::close(listed);
    return;
  }
  while (const dirent* const entry = ::readdir(entries)) {
    const std::string name = entry->d_name;
    if (name != "." && name != ".." && name.starts_with(beginning)) remove_entry(folder, name);
  }
  ::closedir(entries);
}

}  // namespace

void empty_folder(int folder) {
  remove_entries(folder, "");
}

void remove_folder(const std::string& path) {
  if (::rmdir(path.c_str()) == 0) return;
  const ipc::UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder) empty_folder(folder.get());
  ::rmdir(path.c_str());
}

void remove_temp_names(const std::string& prefix) {
  const std::size_t slash = prefix.rfind('/');
  const std::string beginning = prefix.substr(slash + 1);
  if (beginning.empty()) return;
  const std::string parent = slash == std::string::npos ? "." : prefix.substr(0, slash + 1);
  const ipc::UniqueFd folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder) remove_entries(folder.get(), beginning);
}

}  // namespace enjoin
