#include "runner/results_record.h"

#include <unistd.h>

#include "runner/results.h"
#include "runner/values/evaluator.h"

namespace enjoin {
namespace {

ResultsSpec names_in(const Options& options) {
  ResultsSpec spec = results_spec(options, "");
  if (!spec.name) return spec;
  Evaluator evaluator(1);
  spec.name = evaluator.adopt(std::move(*spec.name));
  if (evaluator.is_needed() || Template::parse(*spec.name).needs_slot()) {
    throw UsageError(
        "--resume cannot tell from --results what is done where the files' names hold Perl "
        "expressions or {%}: give --joblog FILE as well");
  }
  return spec;
}

}  // namespace

bool ResultsRecord::is_there(const Options& options) {
  if (options.results.empty()) return false;
  const Keep keep = results_spec(options, "").keep;
  return keep == Keep::kTree || keep == Keep::kNamed;
}

ResultsRecord::ResultsRecord(const Options& options) : names_(names_in(options)) {}

bool ResultsRecord::has(const Batch& batch) {
  strings_.cut(batch.bytes, batch.values);
  names_.make(strings_.inputs(batch.columns), {batch.seq, 1});
  return ::access(names_.out().c_str(), F_OK) == 0 && ::access(names_.seq().c_str(), F_OK) == 0;
}

}  // namespace enjoin
