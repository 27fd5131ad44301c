#pragma once

#include <cstdint>
#include <string>

namespace enjoin {

/// How a make's jobserver is offered to those that it is to serve.
enum class JobserverStyle : std::uint8_t {
  kNone,
  kPipe,  ///< two descriptors that they inherit: --jobserver-auth=R,W
  kFifo,  ///< a path, since GNU make 4.4: --jobserver-auth=fifo:PATH
};

/// What a worker gives each job of a jobserver that the supervisor runs. Each job has a fifo of its
/// own, named by its number, which the supervisor has made before the job starts.
struct JobserverSpec {
  JobserverStyle style = JobserverStyle::kNone;
  std::string folder;  ///< of the fifos
  /// MAKEFLAGS is what stands before the address, the address, and what stands behind.
  std::string before;
  std::string behind;
};

}  // namespace enjoin
