#include "enjoin/executor.h"

#include <utility>

#include "runner/executor/executor_impl.h"

namespace enjoin {

Executor::Executor(ExecutorOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Executor::~Executor() = default;
Executor::Executor(Executor&&) noexcept = default;
Executor& Executor::operator=(Executor&&) noexcept = default;

JobId Executor::add(Command command, JobOptions options) {
  return impl_->add(std::move(command), std::move(options));
}
void Executor::add_need(JobId job, JobId on) {
  impl_->add_need(job, on);
}
StageId Executor::add_stage(StageOptions options) {
  return impl_->add_stage(std::move(options));
}
void Executor::close_stage(StageId stage) {
  impl_->close_stage(stage);
}
LimitId Executor::add_limit(LimitOptions options) {
  return impl_->add_limit(std::move(options));
}
void Executor::cancel(JobId job, Stop how) {
  impl_->cancel(job, how);
}
void Executor::cancel_all(Stop how) {
  impl_->cancel_all(how);
}
void Executor::skip(JobId job) {
  impl_->skip(job);
}
void Executor::answer(JobId job, Answer answer) {
  impl_->answer(job, answer);
}
void Executor::set_cpus(std::uint32_t cpus) {
  impl_->set_cpus(cpus);
}
int Executor::fd() const {
  return impl_->fd();
}
std::size_t Executor::step() {
  return impl_->step();
}
std::size_t Executor::wait(std::chrono::nanoseconds limit) {
  return impl_->wait(limit);
}
bool Executor::wait_all() {
  return impl_->wait_all();
}
std::optional<JobReport> Executor::try_take() {
  return impl_->try_take();
}
std::size_t Executor::unfinished() const {
  return impl_->unfinished();
}
std::size_t Executor::running() const {
  return impl_->running();
}

}  // namespace enjoin
