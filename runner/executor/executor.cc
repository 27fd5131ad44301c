#include "enjoin/executor.h"

#include <utility>

#include "enjoin/error.h"
#include "runner/executor/executor_impl.h"

namespace enjoin {

Executor::Executor(ExecutorOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Executor::~Executor() = default;
Executor::Executor(Executor&&) noexcept = default;
Executor& Executor::operator=(Executor&&) noexcept = default;

Executor::Impl& Executor::impl() const {
  if (impl_ == nullptr) throw Error("this executor was moved away: nothing can be done with it");
  return *impl_;
}

JobId Executor::add(Command command, JobOptions options) {
  return impl().add(std::move(command), std::move(options));
}
void Executor::add_need(JobId job, JobId on) {
  impl().add_need(job, on);
}
StageId Executor::add_stage(StageOptions options) {
  return impl().add_stage(std::move(options));
}
void Executor::close_stage(StageId stage) {
  impl().close_stage(stage);
}
LimitId Executor::add_limit(LimitOptions options) {
  return impl().add_limit(std::move(options));
}
void Executor::cancel(JobId job, Stop how) {
  impl().cancel(job, how);
}
void Executor::cancel_all(Stop how) {
  impl().cancel_all(how);
}
void Executor::skip(JobId job) {
  impl().skip(job);
}
void Executor::answer(JobId job, Answer answer) {
  impl().answer(job, answer);
}
void Executor::set_cpus(std::uint32_t cpus) {
  impl().set_cpus(cpus);
}
int Executor::fd() const {
  return impl().fd();
}
std::size_t Executor::step() {
  return impl().step();
}
std::size_t Executor::wait(std::chrono::nanoseconds limit) {
  return impl().wait(limit);
}
bool Executor::wait_all() {
  return impl().wait_all();
}
std::optional<JobReport> Executor::try_take() {
  return impl().try_take();
}
std::size_t Executor::unfinished() const {
  return impl().unfinished();
}
std::size_t Executor::running() const {
  return impl().running();
}

}  // namespace enjoin
