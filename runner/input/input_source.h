#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enjoin {

/// One set of inputs for a command: one value a source, or where sources are cut into columns one
/// for each column; records need not have equally many. The views are valid until the next pull.
struct Record {
  std::vector<std::string_view> values;
};

enum class Pull : std::uint8_t {
  kRecord,      ///< a record was delivered
  kWouldBlock,  ///< nothing complete yet: wait for wait_fd() to be readable
  kEnd,         ///< there are no more, ever
};

/// A stream of records. It reads ahead only what one read(2) brought, never blocks on a pipe or a
/// terminal once wait_fd() has been polled, and never changes the flags of a descriptor that others
/// share (no O_NONBLOCK on stdin).
class InputSource {
 public:
  virtual ~InputSource() = default;
  /// Throws Error where reading fails (which file, why).
  virtual Pull pull(Record* record) = 0;
  /// The descriptor to poll after kWouldBlock; -1 where pull never says kWouldBlock. It may change
  /// from one pull to the next.
  virtual int wait_fd() const = 0;

  /// Whole records of one value each that lie together in memory already, each ended by
  /// `delimiter`; empty where the source has none at hand. A faster way than pull() for who takes
  /// many records at once. Reads nothing; valid until the next pull.
  struct Run {
    std::string_view bytes;
    char delimiter = '\n';
  };
  virtual Run peek_run() { return {}; }
  /// Takes the first `bytes` of the run: `records` whole records with their delimiters.
  virtual void skip_run(std::size_t /*bytes*/, std::size_t /*records*/) {}
};

/// Where one input source's values come from.
struct SourceSpec {
  enum class Kind : std::uint8_t { kArguments, kFile } kind = Kind::kArguments;
  std::vector<std::string> arguments;  ///< of `:::`
  std::string path;                    ///< of `::::` and -a; "-" is stdin
  bool linked = false;                 ///< of `:::+`, `::::+`: goes in step with the one before it
};

/// What --trim cuts off values.
struct Trim {
  bool left = false;
  bool right = false;
};

struct InputSpec {
  std::vector<SourceSpec> sources;  ///< none: stdin
  std::string delimiter = "\n";     ///< -d, with escapes already resolved; "\0" for -0
  bool no_run_if_empty = false;  ///< -r: values that are empty or blank are skipped in each source
  bool link_all = false;         ///< --link: all sources go in step
  std::optional<std::string> column_regex = {};  ///< --colsep: a Perl regular expression
  bool csv = false;                              ///< --csv: values are rows of RFC 4180
  /// --header: the first value of each source (or its columns) are names, not input; whatever is
  /// given means that, as with GNU parallel, but "0": sources are called by the names of their
  /// files.
  std::optional<std::string> header = {};
  Trim trim = {};
  bool continue_lines = false;  ///< -L, -l: a value that ends in a blank is continued by the next
  std::optional<std::string> end_marker = {};  ///< -E: a value that ends its source
  bool skip_first_line = false;                ///< --skip-first-line: of the first file
  bool shuffle = false;                        ///< --shuf
  std::optional<std::uint64_t> seed = {};      ///< --seed
};

/// One source streams. Several give the product, the last varying fastest, as GNU parallel orders
/// it; linked ones count as one source there, and only the first of the product streams. The
/// linked ones of `:::+` end with the shortest; with link_all the shorter ones begin again.
/// A source without values counts as one empty value, unless all are without.
///
/// With a header, the names are read here, before anything else, waiting for them; `*names` gets
/// them (where it is not null), in the order of the record's values; empty where there is none.
/// Throws Error where a file cannot be opened, or an expression is not valid.
std::unique_ptr<InputSource> open_input(InputSpec spec, std::vector<std::string>* names = nullptr);

}  // namespace enjoin
