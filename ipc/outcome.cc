#include "enjoin/outcome.h"

#include <cstring>
#include <system_error>

namespace enjoin {
namespace {

std::string named_signal(int signal) {
  const char* name = ::sigabbrev_np(signal);
  const std::string number = "signal " + std::to_string(signal);
  return name != nullptr ? number + " (SIG" + name + ")" : number;
}

// strerror() is not safe where a host has other threads.
std::string text_of(int error) {
  return std::generic_category().message(error);
}

struct Describe {
  std::string operator()(const Exited& end) const {
    return "exit status " + std::to_string(end.status);
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
    return "could not be started: " + text_of(end.error);
  }
  std::string operator()(const InputShrank&) const {
    return "the file that it read a part of became shorter while it ran";
  }
  std::string operator()(const OutputFailed& end) const {
    return "its output could not be kept: " + text_of(end.error);
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
