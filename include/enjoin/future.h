#pragma once

#include <stdexcept>
#include <string>

#include "enjoin/error.h"

namespace enjoin {

/// What Future::get() throws where the function itself failed: the type and text of what it threw,
/// in another process maybe.
class RemoteError : public Error {
 public:
  RemoteError(std::string type, const std::string& text);
  const std::string& type() const { return type_; }  ///< "std::out_of_range"; demangled
 private:
  std::string type_;
};

/// The job's worker died while it ran the job.
class WorkerDied : public Error {
 public:
  int signal() const;                     ///< 0: it exited
  int status() const;                     ///< its exit status, where it exited
  const std::string& last_lines() const;  ///< the end of what it wrote to stderr
};

/// The pool was closed, or the job cancelled, before it ended.
class JobCanceled : public Error {};
class JobTimedOut : public Error {};

}  // namespace enjoin
