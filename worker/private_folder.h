#pragma once

#include <string>

#include "ipc/unique_fd.h"

namespace enjoin {

/// A folder for files of ours, below $TMPDIR, where others may own what is around it. It is opened
/// once, and names in it are used relative to that: who later puts something else in its place, or
/// a link where a name is to be, leads us nowhere. (GNU parallel's CVE-2015-4156 was such a link.)
class PrivateFolder {
 public:
  /// The folder must be ours and closed to others: as mkdtemp(3) leaves it. Returns 0 or errno;
  /// EPERM where it is not so.
  int open(const std::string& path);
  bool is_open() const { return static_cast<bool>(folder_); }

  /// `name` is one name, not a path. What is there under it already is never opened. Return 0 or
  /// errno; a descriptor, or none and errno.
  int make_fifo(const std::string& name) const;
  ipc::UniqueFd make_file(const std::string& name) const;
  void remove(const std::string& name) const;

  /// Opens a fifo for writing, without waiting; none and errno: ENXIO where nobody reads yet,
  /// ENOTSUP where it is no fifo any more.
  ipc::UniqueFd open_fifo(const std::string& name) const;

 private:
  ipc::UniqueFd folder_;
};

/// Makes a folder that nobody else has made, for a job to run in and be removed afterwards. One
/// that is there is taken where it is ours and no link: an attempt whose worker died left it.
/// Returns 0 or errno.
int make_own_folder(const std::string& path);

}  // namespace enjoin
