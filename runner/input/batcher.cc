#include "runner/input/batcher.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "enjoin/error.h"

namespace enjoin {
namespace {

// MAX_ARG_STRLEN: the kernel's limit for one argument, NUL counted, with pages of 4 KiB; where a
// shell runs the line, the line is one argument.
constexpr std::size_t kKernelArgumentBytes = 131072;

// Bytes that no shell quoting ever changes, wherever they stand in a value. More bytes may be so,
// but these make up most inputs, and a test for them is a few vector instructions.
constexpr std::string_view kPlainSample =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-./";

constexpr unsigned char is_plain(unsigned char c) {
  const unsigned char is_letter = static_cast<unsigned char>((c | 0x20) - 'a') < 26;
  const unsigned char is_digit_or_mark = static_cast<unsigned char>(c - '-') < 13;  // - . / 0-9
  return is_letter | is_digit_or_mark | static_cast<unsigned char>(c == '_');
}

// Runs shorter than this are added value by value.
constexpr std::size_t kLeastRun = 64;

// After a run that did not begin with plain values: so many records are pulled before the next try.
constexpr std::size_t kRecordsBetweenTries = 32;

/// A line's length before any value. Template counts a blank before each value, but a line has none
/// before its first; to make the same jobs as GNU parallel to the byte, that is taken off here. How
/// much it is follows from what the template says of a line and what the line really is; the least
/// difference of several values, so that no line is taken for too short.
std::size_t base_length(const Template& command) {
  std::size_t excess = command.base_length();
  std::string line;
  for (const std::string_view value : {"x", "x y", "'", ""}) {
    const std::string quoted = kComputedQuoted + std::string(value);
    const std::vector<std::string_view> computed(command.computed_strings(), quoted);
    command.expand_line({{&value, 1}, 1, computed}, {}, &line);
    const std::size_t counted = command.base_length() + command.added_length(value);
    excess = std::min(excess, counted - std::min(counted, line.size()));
  }
  return command.base_length() - excess;
}

std::size_t digits_of(std::uint64_t number) {
  std::size_t digits = 1;
  for (; number >= 10; number /= 10) ++digits;
  return digits;
}

BatchSpec by_records(BatchSpec spec) {
  if (spec.max_records == 0) spec.max_records = spec.max_lines;
  return spec;
}

}  // namespace

std::size_t default_max_line_bytes() {
  return 63664;
}

Batcher::Batcher(InputSource& source, BatchSpec spec, const Template& command)
    : source_(source),
      spec_(by_records(spec)),
      command_(command),
      base_length_(base_length(command)),
      length_(base_length_) {
  limit_ = default_max_line_bytes();
  if (spec.max_line_bytes != 0) limit_ = std::min(limit_, spec.max_line_bytes);
  single_limit_ =
      spec.max_line_bytes == 0 ? kKernelArgumentBytes : std::min(limit_, kKernelArgumentBytes);
  if (spec_.max_records != 1) measure_plain_bytes();
}

Pull Batcher::pull(Batch* batch) {
  if (ended_) return share_out(batch);
  if (spec_.count_only || spec_.max_records == 1) return pull_single(batch);
  return pull_many(batch);
}

Pull Batcher::pull_single(Batch* batch) {
  const Pull result = source_.pull(&record_);
  if (result != Pull::kRecord) return result;
  ++pulled_;
  batch->bytes.clear();
  batch->columns = static_cast<std::uint32_t>(record_.values.size());
  batch->values = 0;
  if (spec_.count_only) return result;
  batch->values = batch->columns;
  seq_digits_ = digits_of(pulled_);
  const std::size_t estimate = base_length_ + measure_record();
  if (estimate >= single_limit_) refuse_if_too_long(std::min(estimate, real_length(pulled_)));
  for (const std::string_view value : record_.values) {
    batch->bytes += value;
    batch->bytes += '\0';
  }
  return result;
}

Pull Batcher::pull_many(Batch* batch) {
  for (;;) {
    if (!carried_) {
      take_runs();
      if (spec_.spread_over <= 1 && is_counted_full()) break;
      const Pull result = source_.pull(&record_);
      if (result == Pull::kWouldBlock) return result;
      if (result == Pull::kEnd) {
        ended_ = true;
        const std::size_t jobs = std::max<std::size_t>(spec_.spread_over, 1);
        share_records_ = (records_ + jobs - 1) / jobs;
        return share_out(batch);
      }
      ++pulled_;
      record_length_ = measure_record();
      carried_ = true;
    }
    if (!has_room_for_record()) break;
    add_record();
  }
  hand_over(batch);
  return Pull::kRecord;
}

bool Batcher::is_counted_full() const {
  return spec_.max_records != 0 && records_ >= spec_.max_records;
}

bool Batcher::has_room_for_record() const {
  if (is_counted_full()) return false;
  const std::size_t line_bytes = length_ + record_length_;
  if (line_bytes < limit_) return true;
  if (records_ > 0) return false;
  if (line_bytes >= single_limit_) {
    refuse_if_too_long(std::min(line_bytes, real_length(handed_over_ + 1)));
  }
  return true;
}

void Batcher::add_record() {
  length_ += record_length_;
  for (const std::string_view value : record_.values) {
    filling_.bytes += value;
    filling_.bytes += '\0';
  }
  note_width(static_cast<std::uint32_t>(record_.values.size()));
  filling_.values += filling_.columns;
  ++records_;
  carried_ = false;
}

/// Before a record of `width` values is counted.
void Batcher::note_width(std::uint32_t width) {
  if (!widths_.empty()) {
    widths_.push_back(width);
  } else if (records_ > 0 && width != filling_.columns) {
    widths_.assign(records_, filling_.columns);
    widths_.push_back(width);
  }
  filling_.columns = width;
}

void Batcher::hand_over(Batch* batch) {
  std::swap(*batch, filling_);
  filling_.bytes.clear();
  filling_.values = 0;
  widths_.clear();
  records_ = 0;
  length_ = base_length_;
  note_next_job();
}

/// The line grows with the digits of its job's number.
void Batcher::note_next_job() {
  ++handed_over_;
  const std::size_t digits = digits_of(handed_over_ + 1);
  if (digits == seq_digits_) return;
  seq_digits_ = digits;
  if (carried_) record_length_ = measure_record();
  if (byte_cost_ != 0) measure_plain_bytes();
}

/// After the end of input: the next part of the last job.
Pull Batcher::share_out(Batch* batch) {
  if (records_ == 0) return Pull::kEnd;
  const std::size_t records = std::min(share_records_, records_);
  batch->columns = filling_.columns;
  batch->values = static_cast<std::uint32_t>(records) * batch->columns;
  if (!widths_.empty()) {
    const auto first = widths_.begin() + static_cast<std::ptrdiff_t>(shared_out_);
    batch->values = std::accumulate(first, first + static_cast<std::ptrdiff_t>(records), 0U);
  }
  shared_out_ += records;
  std::size_t end = share_at_;
  for (std::uint32_t i = 0; i < batch->values; ++i) end = filling_.bytes.find('\0', end) + 1;
  batch->bytes.assign(filling_.bytes, share_at_, end - share_at_);
  share_at_ = end;
  records_ -= records;
  return Pull::kRecord;
}

std::size_t Batcher::measure_record() const {
  std::size_t length = command_.added_length(record_.values, seq_digits_);
  if (!correction_) return length;
  for (const std::string_view value : record_.values) {
    length += static_cast<std::size_t>(correction_(value));
  }
  return length;
}

/// The bytes of the line with record_ alone, where nothing in it is computed.
std::size_t Batcher::real_length(std::uint64_t seq) const {
  if (command_.computed_strings() > 0) return std::numeric_limits<std::size_t>::max();
  std::string line;
  const auto columns = static_cast<std::uint32_t>(record_.values.size());
  command_.expand_line({record_.values, columns}, {.seq = seq}, &line);
  return line.size();
}

void Batcher::correct_lengths(Correction correction) {
  if (spec_.max_records == 1) return;
  correction_ = std::move(correction);
  byte_cost_ = 0;
}

void Batcher::refuse_if_too_long(std::size_t line_bytes) const {
  if (line_bytes < single_limit_) return;
  throw Error(fmt::format(
      "the command line of input {} would have {} bytes; at most {} are possible{}", pulled_,
      line_bytes, single_limit_ - 1, spec_.max_line_bytes == 0 ? "" : " with the limit given"));
}

/// Finds out what values of plain bytes cost, by asking the template about some. Where that is not
/// the same for each byte and each value, runs are not used.
void Batcher::measure_plain_bytes() {
  const std::size_t one = command_.added_length("x", seq_digits_);
  const std::size_t two = command_.added_length("xx", seq_digits_);
  if (two <= one || one < two - one) return;
  const std::size_t byte_cost = two - one;
  // The last two are shorter where only a part of the value is used.
  for (const std::string_view sample :
       {kPlainSample, std::string_view("x.y"), std::string_view("x/y")}) {
    if (command_.added_length(sample, seq_digits_) != one + (sample.size() - 1) * byte_cost) return;
  }
  byte_cost_ = byte_cost;
  value_cost_ = one - byte_cost;
}

/// Adds as much of the source's run as surely fits. The last few values before the limit are left
/// to pull_many, which measures each.
void Batcher::take_runs() {
  if (byte_cost_ == 0) return;
  if (records_before_try_ > 0) {
    --records_before_try_;
    return;
  }
  for (;;) {
    if (length_ >= limit_) return;
    // A run of m bytes has at most m - r bytes in r values, so it costs at most m * the larger.
    std::size_t most = (limit_ - 1 - length_) / std::max(value_cost_, byte_cost_);
    if (spec_.max_records != 0) {
      most = std::min(most, static_cast<std::size_t>(spec_.max_records) - records_);
    }
    if (most < kLeastRun) return;
    const InputSource::Run run = source_.peek_run();
    const std::size_t size = plain_prefix(run, most);
    if (size == 0) {
      if (run.bytes.size() > kLeastRun) records_before_try_ = kRecordsBetweenTries;
      return;
    }
    add_plain(run.bytes.substr(0, size), run.delimiter);
  }
}

/// The bytes of the run's first whole values, at most `most` bytes, that are plain and not empty.
std::size_t Batcher::plain_prefix(const InputSource::Run& run, std::size_t most) const {
  const std::size_t size = std::min(run.bytes.size(), most);
  const char* bytes = run.bytes.data();
  const char delimiter = run.delimiter;
  if (size == 0 || bytes[0] == delimiter) return 0;
  std::size_t good = 0;
  // In strides of fixed size, so that the compiler makes vector code of the inner loop.
  constexpr std::size_t kStride = 64;
  for (; good + kStride < size; good += kStride) {
    unsigned char bad = 0;
    const char* stride = bytes + good;
    for (std::size_t i = 0; i < kStride; ++i) {
      const unsigned char plain = is_plain(static_cast<unsigned char>(stride[i]));
      const unsigned char ends = stride[i] == delimiter;
      const unsigned char ends_next = stride[i + 1] == delimiter;
      bad = static_cast<unsigned char>(bad | ((plain | ends) ^ 1) | (ends & ends_next));
    }
    if (bad != 0) break;
  }
  if (good == 0) return 0;
  const void* last = ::memrchr(bytes, delimiter, good);
  if (last == nullptr) return 0;
  return static_cast<std::size_t>(static_cast<const char*>(last) - bytes) + 1;
}

void Batcher::add_plain(std::string_view plain, char delimiter) {
  const std::size_t old_size = filling_.bytes.size();
  filling_.bytes.append(plain);
  char* bytes = filling_.bytes.data() + old_size;
  std::size_t values = 0;
  for (std::size_t i = 0; i < plain.size();) {
    // A count in one byte keeps the vector code narrow; a stride cannot overflow it.
    const std::size_t stride_end = std::min(i + 128, plain.size());
    unsigned char ends_in_stride = 0;
    for (; i < stride_end; ++i) {
      const bool ends = bytes[i] == delimiter;
      ends_in_stride = static_cast<unsigned char>(ends_in_stride + ends);
      bytes[i] = ends ? '\0' : bytes[i];
    }
    values += ends_in_stride;
  }
  length_ += values * value_cost_ + (plain.size() - values) * byte_cost_;
  filling_.values += static_cast<std::uint32_t>(values);
  filling_.columns = 1;  // and so were all before: a source with runs has no columns
  records_ += values;
  pulled_ += values;
  source_.skip_run(plain.size(), values);
}

}  // namespace enjoin
