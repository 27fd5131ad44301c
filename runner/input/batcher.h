#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/input/input_source.h"
#include "worker/template.h"

namespace enjoin {

/// How many records go into one job.
struct BatchSpec {
  std::uint32_t max_records = 1;   ///< -n/-N; 0: as many as fit (-X, -m)
  bool count_only = false;         ///< -N0: each record makes a job that uses none of it
  bool exact = false;              ///< -N (not -n): kept for {1} {2} addressing of a job's records
  std::uint32_t spread_over = 1;   ///< -X/-m: at the end of input, share the rest over so many jobs
  std::size_t max_line_bytes = 0;  ///< -s: longest line, NUL counted; more than
                                   ///< default_max_line_bytes() is never used; 0: that
  std::uint32_t max_lines = 0;  ///< -L, -l: records a job, where max_records does not say; 0: off
};

/// GNU parallel's own limit for filling lines, its "maximal usable size of command": 63,664 bytes,
/// the NUL at the end counted. It is about half of what one argument of exec may hold (131,072),
/// because GNU parallel may quote a line again; environment and stack limit do not change it.
std::size_t default_max_line_bytes();

/// The inputs of one job, flattened: `columns` values a record, each ended by a NUL byte (an input
/// never holds one). This is the payload that workers read.
struct Batch {
  std::uint64_t seq = 0;  ///< the job's number, given by who takes the batch; 0: the next
  std::optional<std::uint32_t> attempts = {};  ///< where --retries depends on the inputs
  std::string bytes;
  std::uint32_t values = 0;
  std::uint32_t columns = 1;
};

/// Groups a source's records into jobs. `source` and `command` must outlive the batcher.
///
/// A job is full when it holds max_records, or when one more record would make its line too long.
/// Where the input ends in a job and spread_over is more than 1 (-X, -m), that job's records are
/// shared out evenly: 13 records over 3 jobs are 5, 5 and 3. So such a job waits until it is known
/// that a record follows it; the jobs never depend on how fast the inputs came. A single record
/// may exceed the default limit up to what the kernel takes, but not a limit that was asked for.
class Batcher {
 public:
  Batcher(InputSource& source, BatchSpec spec, const Template& command);
  /// kRecord: `*batch` was replaced by the next job's inputs (its storage is reused).
  /// Throws Error where one value alone makes a line that is too long (which value).
  Pull pull(Batch* batch);
  int wait_fd() const { return source_.wait_fd(); }

  /// How much longer a value makes the line than the template says, which knows nothing of computed
  /// values. Asked only where jobs take several records.
  using Correction = std::function<std::ptrdiff_t(std::string_view value)>;
  void correct_lengths(Correction correction);

 private:
  Pull pull_single(Batch* batch);
  Pull pull_many(Batch* batch);
  bool is_counted_full() const;
  bool has_room_for_record() const;
  void add_record();
  void note_width(std::uint32_t width);
  void hand_over(Batch* batch);
  Pull share_out(Batch* batch);
  std::size_t measure_record() const;
  std::size_t real_length(std::uint64_t seq) const;
  void note_next_job();
  void refuse_if_too_long(std::size_t line_bytes) const;

  void measure_plain_bytes();
  void take_runs();
  std::size_t plain_prefix(const InputSource::Run& run, std::size_t most) const;
  void add_plain(std::string_view plain, char delimiter);

  InputSource& source_;
  const BatchSpec spec_;
  const Template& command_;
  const std::size_t base_length_;  // of a line before its first value
  std::size_t limit_;              // a line's bytes with its NUL are at most this
  std::size_t single_limit_;       // the same for a line with one record
  Record record_;                  // pulled and not yet added where carried_
  bool carried_ = false;
  std::size_t record_length_ = 0;  // what it adds to the line
  std::uint64_t pulled_ = 0;       // records, for messages

  Batch filling_;
  std::size_t records_ = 0;  // in filling_
  // How many values each of them has; empty as long as all have as many as `columns` says.
  std::vector<std::uint32_t> widths_;
  std::size_t length_;             // of filling_'s line
  std::size_t seq_digits_ = 1;     // of filling_'s number
  std::uint64_t handed_over_ = 0;  // jobs

  // After the end of input: the last job's records, shared out from share_at_ on.
  bool ended_ = false;
  std::size_t share_at_ = 0;
  std::size_t share_records_ = 0;
  std::size_t shared_out_ = 0;

  // Runs (see InputSource::Run) of plain bytes are added without looking at single values.
  std::size_t value_cost_ = 0;  // what a value adds to the line, besides its bytes
  std::size_t byte_cost_ = 0;   // what each byte of a plain value adds; 0: runs cannot be used
  Correction correction_;
  std::size_t records_before_try_ = 0;  // to pull singly before a run is looked at again
};

}  // namespace enjoin
