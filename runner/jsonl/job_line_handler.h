#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "runner/jsonl/job_line.h"
#include "runner/jsonl/job_line_keys.h"

namespace enjoin {

/// Takes the values of one line as the JSON parser meets them, and checks each. What it finds wrong
/// it throws (LineError), at the place that set_place() told before.
class JobLineHandler {
 public:
  /// A header is put into `*header` if it is the first line, else it is an error.
  void begin(JobLine* line, GraphHeader* header, bool is_first);
  /// Where the value or key stands that comes next.
  void set_place(std::size_t offset) { at_ = offset; }
  bool is_header() const { return is_header_; }
  /// The line is over: checks it as a whole.
  void end() const;

  void null();
  void boolean(bool value);
  void number(std::string_view text);
  void text(std::string_view text);
  void key(std::string_view name);
  void begin_object();
  void end_object();
  void begin_array();
  void end_array();

 private:
  enum class Scope : std::uint8_t { kOutside, kHeader, kJob, kList, kTable, kPools, kPoolValues };

  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void fail_type(std::string_view got) const;
  bool skips_value();
  void go_deeper();
  void job_key(std::string_view name);
  void header_key(std::string_view name);
  void take_text(std::string_view text);
  void take_list_item(std::string_view text);
  void take_number(std::string_view text);
  void take_duration(std::string_view text);
  void take_size(std::string_view text);
  void take_choice(std::string_view text);
  void take_shell(std::string_view text);
  void set_variable(std::string_view value);
  std::string* path_of(LineKey key) const;
  std::vector<std::string>* list_of(LineKey key) const;
  void begin_list();

  JobLine* line_ = nullptr;
  GraphHeader* header_ = nullptr;
  std::size_t at_ = 0;
  Scope scope_ = Scope::kOutside;
  const LineKeyRow* row_ = nullptr;  // of the key whose value comes or is being read
  std::uint64_t seen_ = 0;           // keys of this object, by LineKey
  std::string name_;                 // of a variable, a pool, a key that is passed over
  std::size_t depth_ = 0;            // of what is passed over
  bool skips_ = false;               // the value that comes is passed over
  bool is_first_ = false;
  bool is_header_ = false;
  bool in_defaults_ = false;
};

}  // namespace enjoin
