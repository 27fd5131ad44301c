#include "enjoin/outcome.h"

#include <cstring>

#include <fmt/format.h>

namespace enjoin {
namespace {

std::string named_signal(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? fmt::format("signal {} (SIG{})", signal, name)
                         : fmt::format("signal {}", signal);
}

struct Describe {
  std::string operator()(const Exited& end) const {
    return fmt::format("exit status {}", end.status);
  }
  std::string operator()(const Signaled& end) const {
    return named_signal(end.signal) + (end.core_dumped ? ", core dumped" : "") +
           (end.out_of_memory ? ": the kernel was out of memory" : "");
  }
  std::string operator()(const TimedOut&) const { return "timed out"; }
  std::string operator()(const Canceled& end) const {
    return end.started ? "stopped" : "not started";
  }
  std::string operator()(const Lost&) const { return "lost: its worker died while it ran"; }
  std::string operator()(const SpawnFailed& end) const {
    return fmt::format("could not be started: {}", std::strerror(end.error));
  }
  std::string operator()(const InputShrank&) const {
    return "the file that it read a part of became shorter while it ran";
  }
  std::string operator()(const OutputFailed& end) const {
    return fmt::format("its output could not be kept: {}", std::strerror(end.error));
  }
};

}  // namespace

bool succeeded(const Outcome& outcome) {
  const auto* exited = std::get_if<Exited>(&outcome);
  return exited != nullptr && exited->status == 0;
}

std::string to_string(const Outcome& outcome) {
  return std::visit(Describe{}, outcome);
}

}  // namespace enjoin
