#include "support/fault_sweep.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <sstream>

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

void say_counts(const std::string& kind, const FaultCounts& counts) {
  std::printf("%-18s failed %5zu  went on %5zu  clean errors %5zu  violations %zu\n", kind.c_str(),
              counts.injected, counts.went_on, counts.clean_errors, counts.violations);
  std::fflush(stdout);
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
    for (const std::string& name :
         faulted_.removal_failed ? std::vector<std::string>() : box_.left_in_tmp())
      wrong_ += "left in TMPDIR: " + name + "; ";
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
    std::string got = lines_with(text, job.key, &together);
    if (shape_.lines == Shape::Lines::kAnyOrder && sorted_lines(got) == sorted_lines(job.out)) {
      got = job.out;
    }
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

namespace {

Faulted run(const Shape& shape, const Sandbox& box, const Fault& fault) {
  for (const auto& [name, text] : shape.given) box.write(name, text);
  return run_with_fault(box, shape.arguments,
                        {.input = shape.input, .environment = {"PARALLEL_SHELL=/bin/sh"}}, fault);
}

}  // namespace

std::vector<Fault> faults_of(const Shape& shape) {
  const Sandbox box;
  const Faulted counted = run(shape, box, {});
  if (const std::string wrong = verdict(shape, box, counted); !wrong.empty()) {
    FAIL_CHECK(shape.name << " without any fault: " << wrong << counted.ran.err);
  }
  std::vector<Fault> faults;
  for (const auto& [role, counts] : counted.counted) {
    if (role == Role::kJob) continue;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const FaultClass& kind = fault_classes()[i];
      for (const bool lasting : {false, true}) {
        if (lasting && kind.only_once) continue;
        for (std::size_t nth = 1; nth <= counts[i]; ++nth) {
          faults.push_back({.kind = &kind, .role = role, .nth = nth, .lasting = lasting});
        }
      }
    }
  }
  return faults;
}

void try_fault(const Shape& shape, const Fault& fault, FaultCounts* counts) {
  const Sandbox box;
  const Faulted faulted = run(shape, box, fault);
  ++counts->runs;
  if (faulted.injected != 0) ++counts->injected;
  std::string wrong = verdict(shape, box, faulted);
  if (faulted.injected == 0 && faulted.ran.status != 0) wrong += "it failed by itself; ";
  if (wrong.empty()) {
    if (faulted.injected != 0) ++(faulted.ran.status == 0 ? counts->went_on : counts->clean_errors);
    return;
  }
  ++counts->violations;
  const std::string which = shape.name + ' ' + std::string(name_of(fault.role)) + ' ' +
                            fault.kind->name + ' ' + std::to_string(fault.nth) +
                            (fault.lasting ? "+" : "");
  FAIL_CHECK("ENJOIN_FAULTS='" << which << "': " << wrong << "\n  failed: " << faulted.call
                               << "\n  status " << faulted.ran.status
                               << ", stderr: " << head(faulted.ran.err));
}

namespace {

struct Chosen {
  std::string shape = "*";
  std::string role = "*";
  std::string kind = "*";
  std::string nth = "*";
};

bool takes(const std::string& pattern, std::string_view name) {
  return pattern == "*" || pattern == name;
}

// Where a part of them begins: the same each time, so that CI says the same of the same code.
constexpr std::size_t kFirst = 5;

}  // namespace

void sweep(const std::vector<std::string>& shapes, std::size_t stride) {
  if (!can_inject()) return;
  Chosen chosen;
  const char* const asked = std::getenv("ENJOIN_FAULTS");
  if (asked != nullptr) {
    stride = 1;
    std::istringstream words(asked);
    words >> chosen.shape >> chosen.role >> chosen.kind >> chosen.nth;
    if (chosen.shape == "all") chosen.shape = "*";
    if (chosen.nth.starts_with('/')) stride = std::stoul(chosen.nth.substr(1));
  }
  const bool one = std::isdigit(chosen.nth.front()) != 0;
  std::map<std::string, FaultCounts> by_kind;
  for (const Shape& shape : fault_shapes()) {
    if (!takes(chosen.shape, shape.name)) continue;
    if (std::find(shapes.begin(), shapes.end(), shape.name) == shapes.end()) continue;
    std::vector<Fault> faults = faults_of(shape);
    std::erase_if(faults, [&](const Fault& fault) {
      return !takes(chosen.role, name_of(fault.role)) || !takes(chosen.kind, fault.kind->name);
    });
    if (one && !faults.empty()) {
      faults.front().nth = std::stoul(chosen.nth);
      faults.front().lasting = chosen.nth.ends_with('+');
      faults.resize(1);
    }
    for (std::size_t i = one ? 0 : kFirst % stride; i < faults.size(); i += stride) {
      const Fault& fault = faults[i];
      const std::string kind =
          std::string(fault.kind->name) + ' ' + std::string(name_of(fault.role));
      try_fault(shape, fault, &by_kind[kind]);
    }
  }
  FaultCounts all;
  for (const auto& [kind, counts] : by_kind) {
    say_counts(kind, counts);
    all += counts;
  }
  say_counts("all", all);
}

}  // namespace enjoin::test
