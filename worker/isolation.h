#pragma once

#include <string>
#include <vector>

#include "ipc/unique_fd.h"
#include "worker/spawn.h"

namespace enjoin {

/// Which step of shutting a job in the kernel refused.
enum class IsolationStep : std::uint8_t {
  kNone,
  kUserNamespace,  ///< ordinary users need one to be allowed the others
  kNamespaces,     ///< pid and mount namespaces
  kMounts,         ///< making our mounts our own
  kShow,           ///< the job's folder, where it lies below /tmp
  kTmp,            ///< an empty /tmp
  kProc,           ///< a /proc of the new pid namespace
  kPrivileges,     ///< no_new_privs
  kInit,           ///< our program as the namespace's first process
};

/// What a job sees of the file system: everything, but /tmp is empty and its own. In it lie only
/// the folder that the job runs in and that of its input file, where they are below /tmp, at their
/// places; and a folder for $TMPDIR, empty, where that is below /tmp.
class JobView {
 public:
  /// `folder` is where the job runs, "" for where we are; `input_folder` is that of --cat and
  /// --fifo, or "".
  JobView(const std::string& folder, const std::string& input_folder);

  /// Whether the job would run in /tmp itself: then nothing of it could be hidden.
  bool is_all_of_tmp() const { return !tmp_.empty() && folder_ == tmp_; }
  /// For the new process only, in its namespaces: system calls, no allocation. Returns 0 or errno.
  int enter(IsolationStep* step) const;

 private:
  struct Shown {
    std::string path;
    mutable int tree = -1;  // set by the new process
  };
  bool is_below_tmp(const std::string& path) const;
  bool is_shown(const std::string& path) const;
  void show(const std::string& path);
  void make(const std::string& path);

  std::string tmp_;     // without symbolic links; empty: there is none
  std::string folder_;  // likewise; empty: unknown
  bool moves_ = false;  // it is not where we are, or there by another mount
  std::vector<Shown> shown_;
  std::vector<std::string> made_;  // folders in the new /tmp, outer ones first
};

/// Starts jobs each in a pid namespace and a mount namespace of its own, with no_new_privs. Its
/// first process is our own program (job_init.h), which starts the job and ends when the job's
/// leader has: then the kernel kills whatever else is in there, however often it forked. The same
/// happens when we die.
///
/// Ordinary users get a user namespace besides, which this process enters for good; it maps their
/// user and group to themselves.
class Isolation {
 public:
  /// Throws Error.
  Isolation();
  /// As enjoin::spawn(); `child` is the first process, and child->init the connection to it.
  int spawn(const SpawnRequest& request, const JobView& view, Child* child) const;
  /// This process is in a user namespace now, and so are the jobs that it starts without isolation.
  bool entered_user_namespace() const { return entered_user_namespace_; }

 private:
  ipc::UniqueFd program_;
  bool entered_user_namespace_ = false;
};

/// Tries in a process of its own whether jobs can be isolated here. Throws Error, which says what
/// is missing and what to do about it.
void try_isolation();
/// The same as a few words: "yes", or what is missing.
std::string describe_isolation();

}  // namespace enjoin
