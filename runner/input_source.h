#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace enjoin {

/// One set of inputs for a command: one value a source. The views are valid until the next pull.
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
};

struct InputSpec {
  std::vector<SourceSpec> sources;  ///< none: stdin
  std::string delimiter = "\n";     ///< -d, with escapes already resolved; "\0" for -0
  bool no_run_if_empty = false;  ///< -r: values that are empty or blank are skipped in each source
};

/// One source streams; several give the product, the last varying fastest, as GNU parallel orders
/// it; then all but the first are held in memory. A source without values counts as one empty
/// value, unless all are without. Throws Error where a file cannot be opened, and where stdin is
/// named twice.
std::unique_ptr<InputSource> open_input(InputSpec spec);

}  // namespace enjoin
