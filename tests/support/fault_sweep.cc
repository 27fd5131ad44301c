#include "support/fault_sweep.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <doctest/doctest.h>

namespace enjoin::test {
namespace {

struct Row {
  std::size_t seq = 0;
  int exit_value = 0;
};

std::vector<Row> rows_of(const std::string& log, std::string* wrong) {
  std::vector<Row> rows;
  std::set<std::size_t> seen;
  const std::vector<std::string> lines = lines_of(log);
  if (!log.empty() && log.back() != '\n') *wrong += "the joblog ends in a cut row; ";
  for (std::size_t i = 1; i < lines.size(); ++i) {
    std::vector<std::string> fields;
    for (std::size_t at = 0; at <= lines[i].size();) {
      const std::size_t end = std::min(lines[i].find('\t', at), lines[i].size());
      fields.push_back(lines[i].substr(at, end - at));
      at = end + 1;
    }
    if (fields.size() < 9) {
      *wrong += "a broken row: " + lines[i] + "; ";
      continue;
    }
    rows.push_back({std::stoul(fields[0]), std::stoi(fields[6])});
    if (!seen.insert(rows.back().seq).second) *wrong += "two rows of job " + fields[0] + "; ";
  }
  return rows;
}

// The lines of a text that belong to a job, and whether they stand together.
std::string lines_with(const std::string& text, const std::string& key, bool* together) {
  const std::string end = '/' + key;
  std::string found;
  bool after = false;
  *together = true;
  for (const std::string& line : lines_of(text)) {
    if (line.ends_with(end)) {
      if (after) *together = false;
      found += line + '\n';
    } else if (!found.empty()) {
      after = true;
    }
  }
  return found;
}

std::string head(const std::string& text) {
  constexpr std::size_t kMost = 600;
  return text.size() <= kMost ? text : text.substr(0, kMost) + "…";
}

class Judge {
 public:
  Judge(const Shape& shape, const Sandbox& box, const Faulted& faulted)
      : shape_(shape), box_(box), faulted_(faulted) {}

  std::string judge() {
    const Ran& ran = faulted_.ran;
    if (faulted_.hung) return "it hangs: " + faulted_.call;
    if (ran.status > 128 && ran.status < 192) wrong_ += "it died of a signal; ";
    if (ran.status != 0 && ran.err.empty() && !faulted_.was_message) {
      wrong_ += "it failed without a word; ";
    }
    for (const std::string& process : faulted_.left) wrong_ += "left running: " + process + "; ";
    for (const std::string& name : box_.left_in_tmp()) wrong_ += "left in TMPDIR: " + name + "; ";
    const std::vector<Row> rows =
        shape_.logged ? rows_of(box_.read("log"), &wrong_) : std::vector<Row>();
    if (ran.status == 0 && shape_.logged && rows.size() != shape_.jobs.size()) {
      wrong_ += "success with " + std::to_string(rows.size()) + " rows; ";
    }
    for (std::size_t seq = 1; seq <= shape_.jobs.size(); ++seq) {
      const bool recorded = std::any_of(rows.begin(), rows.end(), [seq](const Row& row) {
        return row.seq == seq && row.exit_value == 0;
      });
      judge_job(shape_.jobs[seq - 1], ran.status == 0, recorded);
    }
    if (ran.status == 0) judge_whole();
    return wrong_;
  }

 private:
  void judge_job(const Shape::Job& job, bool success, bool recorded) {
    const auto kept = shape_.kept_in.find(job.key);
    const std::string& text =
        kept == shape_.kept_in.end() ? faulted_.ran.out : read_kept(kept->second);
    bool together = true;
    const std::string got = lines_with(text, job.key, &together);
    if (got != job.out) {
      if (success) wrong_ += "success without all of " + job.key + "; ";
      if (recorded) wrong_ += "a row without all of " + job.key + "; ";
      if (got.size() > job.out.size()) wrong_ += "too much of " + job.key + "; ";
    } else if (!together && shape_.lines == Shape::Lines::kTogether) {
      wrong_ += "others' lines in " + job.key + "; ";
    }
    if (!job.err.empty() && (success || recorded) && !faulted_.ran.says(job.err)) {
      wrong_ += "stderr of " + job.key + " is missing; ";
    }
  }

  void judge_whole() {
    std::string all;
    for (const Shape::Job& job : shape_.jobs) {
      if (!shape_.kept_in.contains(job.key)) all += job.out;
    }
    const std::string& out = faulted_.ran.out;
    if (shape_.ordered ? out != all : sorted_lines(out) != sorted_lines(all)) {
      wrong_ += "success, but stdout differs; ";
    }
  }

  const std::string& read_kept(const std::string& name) { return kept_ = box_.read(name); }

  const Shape& shape_;
  const Sandbox& box_;
  const Faulted& faulted_;
  std::string kept_;
  std::string wrong_;
};

}  // namespace

FaultCounts& FaultCounts::operator+=(const FaultCounts& other) {
  runs += other.runs;
  injected += other.injected;
  went_on += other.went_on;
  clean_errors += other.clean_errors;
  violations += other.violations;
  return *this;
}

std::string verdict(const Shape& shape, const Sandbox& box, const Faulted& faulted) {
  return Judge(shape, box, faulted).judge();
}

FaultCounts sweep(const Shape& shape, const Fault& fault, std::size_t first, std::size_t stride) {
  FaultCounts counts;
  // Which calls are made depends a little on who was sooner: the end is where it was missed twice.
  int missed = 0;
  for (Fault now = fault; missed < 2; now.nth += stride) {
    if (now.nth == 0) now.nth = first;
    const Sandbox box;
    for (const auto& [name, text] : shape.given) box.write(name, text);
    const Faulted faulted =
        run_with_fault(box, shape.arguments,
                       {.input = shape.input, .environment = {"PARALLEL_SHELL=/bin/sh"}}, now);
    ++counts.runs;
    missed = faulted.injected == 0 ? missed + 1 : 0;
    counts.injected += std::min<std::size_t>(faulted.injected, 1);
    std::string wrong = verdict(shape, box, faulted);
    if (faulted.injected == 0 && faulted.ran.status != 0) wrong += "it failed by itself; ";
    if (wrong.empty()) {
      if (faulted.injected != 0) ++(faulted.ran.status == 0 ? counts.went_on : counts.clean_errors);
      continue;
    }
    ++counts.violations;
    const std::string which = shape.name + ' ' + std::string(name_of(now.role)) + ' ' +
                              now.kind->name + ' ' + std::to_string(now.nth) +
                              (now.lasting ? "+" : "");
    FAIL_CHECK("ENJOIN_FAULTS='" << which << "': " << wrong << "\n  failed: " << faulted.call
                                 << "\n  status " << faulted.ran.status
                                 << ", stderr: " << head(faulted.ran.err));
  }
  return counts;
}

}  // namespace enjoin::test
