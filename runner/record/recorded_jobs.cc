#include "runner/record/recorded_jobs.h"

#include <cstring>

#include <fmt/format.h>

#include "worker/term_safe.h"

namespace enjoin {

RerunOn parse_rerun_on(std::string_view text) {
  RerunOn rerun{.input = false, .command = false, .environment = false};
  if (text == "none") return rerun;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string_view part = text.substr(at, end - at);
    bool* const chosen = part == "input"                          ? &rerun.input
                         : part == "command"                      ? &rerun.command
                         : part == "env" || part == "environment" ? &rerun.environment
                                                                  : nullptr;
    if (chosen == nullptr || *chosen) {
      throw Error(fmt::format(
          "--rerun-on takes 'none', or some of 'input,command,env', each once, not '{}'",
          term_safe(std::string(text))));
    }
    *chosen = true;
    at = end + 1;
  }
  return rerun;
}

RecordedJobs::RecordedJobs(Database& record) {
  jobs_.reserve(static_cast<std::size_t>(record.integer("SELECT max(job) FROM jobs")));
  Statement select =
      record.prepare("SELECT job, key, command_hash, environment_hash, input_hash, done FROM jobs");
  while (select.step()) {
    Job job;
    const std::string_view key = select.text(1);
    if (key.size() != sizeof job.identity.key) continue;  // of the batch mode
    std::memcpy(job.identity.key.data(), key.data(), key.size());
    job.row = select.integer(0);
    job.identity.command = static_cast<std::uint64_t>(select.integer(2));
    job.identity.environment = static_cast<std::uint64_t>(select.integer(3));
    job.identity.input = static_cast<std::uint64_t>(select.integer(4));
    job.done = select.integer(5);
    put(job);
  }
}

RecordedJobs::Job* RecordedJobs::find(const Key& key) {
  if (jobs_.empty()) return nullptr;
  const std::uint32_t place = *place_of(key);
  return place == 0 ? nullptr : &jobs_[place - 1];
}

void RecordedJobs::put(const Job& job) {
  if ((jobs_.size() + 1) * 3 > index_.size() * 2) grow();
  std::uint32_t* const place = place_of(job.identity.key);
  if (*place != 0) {
    jobs_[*place - 1] = job;
    return;
  }
  jobs_.push_back(job);
  *place = static_cast<std::uint32_t>(jobs_.size());
}

/// Where the key is, or where it belongs. Keys are hashes already.
std::uint32_t* RecordedJobs::place_of(const Key& key) {
  const std::size_t mask = index_.size() - 1;
  std::size_t at = key[0] & mask;
  while (index_[at] != 0 && jobs_[index_[at] - 1].identity.key != key) at = (at + 1) & mask;
  return &index_[at];
}

void RecordedJobs::grow() {
  std::size_t places = index_.empty() ? 64 : index_.size() * 2;
  while (places * 2 < jobs_.capacity() * 3) places *= 2;
  index_.assign(places, 0);
  for (std::size_t job = 0; job < jobs_.size(); ++job)
    *place_of(jobs_[job].identity.key) = static_cast<std::uint32_t>(job + 1);
}

}  // namespace enjoin
