#include "enjoin/pool.h"

#include <exception>

#include "worker/function/function_protocol.h"

namespace enjoin {

RemoteError::RemoteError(std::string type, const std::string& text, std::exception_ptr original)
    : Error(text), type_(std::move(type)), original_(std::move(original)) {}
RemoteError::~RemoteError() = default;

WorkerDied::WorkerDied(const std::string& what, int signal, int status, std::string last_lines)
    : Error(what), signal_(signal), status_(status), last_lines_(std::move(last_lines)) {}
WorkerDied::~WorkerDied() = default;

JobCanceled::~JobCanceled() = default;
JobTimedOut::~JobTimedOut() = default;

namespace detail {

void throw_failure(const JobCell& cell) {
  static const Failure nothing;
  const Failure& why = cell.failure != nullptr ? *cell.failure : nothing;
  switch (fate_of(cell)) {
    case Fate::kThrew:
    case Fate::kImpossible:
      throw RemoteError(why.type, why.text, why.original);
    case Fate::kDied:
      throw WorkerDied(why.text, why.signal, why.status, why.last_lines);
    case Fate::kTimedOut:
      throw JobTimedOut(why.text);
    case Fate::kPending:
    case Fate::kReturned:
    case Fate::kCanceled:
      break;
  }
  throw JobCanceled("call " + std::to_string(cell.number) + " was cancelled");
}

void note_thrown(JobCell& cell) noexcept {
  Thrown thrown = current_thrown();
  cell.failure = std::make_unique<Failure>(
      Failure{.type = std::move(thrown.type), .text = std::move(thrown.text)});
  cell.failure->original = std::current_exception();
}

void throw_unregistered() {
  throw Error(
      "a function that workers do not know: put ENJOIN_FUNCTION(its_name) at namespace scope, or "
      "use submit<its_name>(…)");
}

void throw_has_state() {
  throw Error(
      "a callable with members (a lambda that captures) cannot be called in another process: give "
      "what it holds as arguments, or take Workers::kThreads");
}

void throw_cannot_travel() {
  throw Error(
      "an argument or the result has a type that cannot travel to another process: see "
      "enjoin/archive.h, or take Workers::kThreads");
}

}  // namespace detail

Pool::Pool(detail::PoolCore* core) : core_(core), exceptions_(std::uncaught_exceptions()) {}

Pool::~Pool() {
  if (std::uncaught_exceptions() == exceptions_) {
    try {
      core_->join(nullptr);
    } catch (...) {
      // Nothing that is pending can end any more: shut_down() says so to those who ask.
    }
  }
  core_->shut_down();
  core_->release_core();
}

}  // namespace enjoin
