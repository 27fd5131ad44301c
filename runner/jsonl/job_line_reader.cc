#include "runner/jsonl/job_line_reader.h"

#include <cctype>

#include <fmt/format.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include "runner/jsonl/job_line_handler.h"

namespace enjoin {
namespace {

// Numbers come as they were written: units.h reads sizes and durations.
constexpr unsigned kParseFlags = rapidjson::kParseNumbersAsStringsFlag;

/// What RapidJSON calls. It tells the handler where each value begins.
class Events {
 public:
  Events(std::string_view text, const rapidjson::MemoryStream& stream, JobLineHandler& handler)
      : text_(text), stream_(stream), handler_(handler) {}

  bool Null() { return at_value().null(), true; }
  bool Bool(bool value) { return at_value().boolean(value), true; }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    return at_value().number({text, size}), true;
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    return at_value().text({text, size}), true;
  }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    return at_value().key({text, size}), true;
  }
  bool StartObject() { return at_value().begin_object(), true; }
  bool EndObject(rapidjson::SizeType) { return at_value().end_object(), true; }
  bool StartArray() { return at_value().begin_array(), true; }
  bool EndArray(rapidjson::SizeType) { return at_value().end_array(), true; }
  // Numbers never come as these.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }

 private:
  // The parser stands behind the value now, and stood behind the one before.
  JobLineHandler& at_value() {
    std::size_t at = before_;
    while (at < text_.size() && is_between(text_[at])) ++at;
    handler_.set_place(at);
    before_ = stream_.Tell();
    return handler_;
  }
  static bool is_between(char letter) {
    return letter == ' ' || letter == ',' || letter == ':' || letter == '\t' || letter == '\r' ||
           letter == '\n';
  }

  std::string_view text_;
  const rapidjson::MemoryStream& stream_;
  JobLineHandler& handler_;
  std::size_t before_ = 0;
};

std::string describe(rapidjson::ParseErrorCode code) {
  std::string text = rapidjson::GetParseError_En(code);
  if (text.ends_with('.')) text.pop_back();
  if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0) {
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  }
  return fmt::format("not JSON: {}", text);
}

}  // namespace

struct JobLineReader::Json {
  rapidjson::Reader reader;
  JobLineHandler handler;
  bool is_first = true;
};

JobLineReader::JobLineReader() : json_(std::make_unique<Json>()) {}
JobLineReader::~JobLineReader() = default;

JobLineReader::Kind JobLineReader::read(std::string_view text, JobLine* line) {
  *line = header_.defaults;
  GraphHeader header;
  json_->handler.begin(line, &header, json_->is_first);
  json_->is_first = false;
  rapidjson::MemoryStream stream(text.data(), text.size());
  Events events(text, stream, json_->handler);
  const rapidjson::ParseResult result = json_->reader.Parse<kParseFlags>(stream, events);
  if (!result) throw LineError(result.Offset(), describe(result.Code()));
  json_->handler.end();
  if (!json_->handler.is_header()) return Kind::kJob;
  header.defaults = *line;
  header_ = std::move(header);
  return Kind::kHeader;
}

}  // namespace enjoin
