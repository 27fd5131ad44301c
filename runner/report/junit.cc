#include "runner/report/junit.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "runner/report/json_out.h"

namespace enjoin {
namespace {

std::string utc_text(double time) {
  const auto seconds = static_cast<std::time_t>(time);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  return text;
}

/// What it wrote, the end of it at least: stderr, or stdout where there is none.
const std::string& last_text(const AttemptFacts& attempt) {
  return attempt.text[attempt.text[1].empty() ? 0 : 1];
}

std::string escaped(std::string_view text, bool is_attribute) {
  std::string xml;
  const std::string valid = valid_utf8(text);
  for (std::size_t at = 0; at < valid.size(); ++at) {
    const char c = valid[at];
    const std::string_view rest = std::string_view(valid).substr(at);
    if (c == '&') {
      xml += "&amp;";
    } else if (c == '<') {
      xml += "&lt;";
    } else if (c == '>') {
      xml += "&gt;";
    } else if (c == '"') {
      xml += "&quot;";
    } else if (c == '\r' || (is_attribute && (c == '\n' || c == '\t'))) {
      xml += fmt::format("&#{};", static_cast<int>(c));  // would be read as something else
    } else if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') {
      xml += "\uFFFD";
    } else if (rest.starts_with("\uFFFE") || rest.starts_with("\uFFFF")) {
      xml += "\uFFFD";
      at += 2;
    } else {
      xml += c;
    }
  }
  return xml;
}

std::string failure(std::string_view element, const AttemptFacts& attempt) {
  return fmt::format("      <{0} message=\"{1}\" type=\"failed\">{2}</{0}>\n", element,
                     xml_attribute(attempt.outcome), xml_text(last_text(attempt)));
}

std::string output(std::string_view element, const std::string& text) {
  if (text.empty()) return {};
  return fmt::format("      <{0}>{1}</{0}>\n", element, xml_text(text));
}

}  // namespace

std::string xml_text(std::string_view text) {
  return escaped(text, false);
}

std::string xml_attribute(std::string_view text) {
  return escaped(text, true);
}

JunitOut::JunitOut(const RunFacts& run) : run_(run) {}

void JunitOut::add(const AttemptFacts& attempt) {
  if (!attempts_.empty() &&
      (attempts_.back().name != attempt.name || attempts_.back().stage != attempt.stage ||
       attempts_.back().attempt >= attempt.attempt)) {
    finish_job();
  }
  if (tests_ > 0 && stage_ != attempt.stage) finish_suite();
  stage_ = attempt.stage;
  attempts_.push_back(attempt);
}

void JunitOut::finish_job() {
  if (attempts_.empty()) return;
  const AttemptFacts& last = attempts_.back();
  const bool passed = last.state == "succeeded";
  cases_ += fmt::format("    <testcase name=\"{}\" classname=\"{}\" time=\"{:.3f}\">\n",
                        xml_attribute(last.name), xml_attribute(last.stage), last.wall);
  if (last.is_allowed && !passed) {
    cases_ += fmt::format("      <skipped message=\"failed, which is allowed: {}\"/>\n",
                          xml_attribute(last.outcome));
  } else if (!passed) {
    cases_ += failure("failure", last);
    ++failures_;
  }
  for (std::size_t at = 0; at + 1 < attempts_.size(); ++at) {
    cases_ += failure(passed ? "flakyFailure" : "rerunFailure", attempts_[at]);
  }
  cases_ += output("system-out", last.text[0]) + output("system-err", last.text[1]);
  cases_ += "    </testcase>\n";
  if (tests_ == 0) first_ = attempts_.front().started;
  first_ = std::min(first_, attempts_.front().started);
  for (const AttemptFacts& attempt : attempts_) time_ += attempt.wall;
  ++tests_;
  attempts_.clear();
}

void JunitOut::finish_suite() {
  if (tests_ == 0) return;
  suites_ += fmt::format(
      "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" time=\"{:.3f}\" "
      "timestamp=\"{}\" hostname=\"{}\">\n{}  </testsuite>\n",
      xml_attribute(stage_), tests_, failures_, time_, utc_text(first_), xml_attribute(run_.host),
      cases_);
  all_tests_ += tests_;
  all_failures_ += failures_;
  all_time_ += time_;
  tests_ = failures_ = 0;
  time_ = 0;
  cases_.clear();
}

std::string JunitOut::take() {
  finish_job();
  finish_suite();
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuites name=\"enjoin\" tests=\"{}\" failures=\"{}\" errors=\"0\" time=\"{:.3f}\">\n"
      "{}</testsuites>\n",
      all_tests_, all_failures_, all_time_, suites_);
}

}  // namespace enjoin
