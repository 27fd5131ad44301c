#include "worker/decorate.h"

#include <array>
#include <cstdio>
#include <cstring>

namespace enjoin {
namespace {

/// Background and foreground, as numbers of the terminal's 256 colours. Neighbours differ clearly,
/// and each foreground can be read on its background.
struct ColorPair {
  std::uint8_t background;
  std::uint8_t foreground;
};
constexpr std::uint8_t kBlack = 0;
constexpr std::uint8_t kWhite = 231;
constexpr ColorPair kAlarm{196, kWhite};
constexpr ColorPair kPalette[] = {
    {134, kWhite}, {21, kWhite},  {243, kWhite}, {149, kBlack}, {102, kWhite}, {231, kBlack},
    {203, kWhite}, {78, kBlack},  {73, kWhite},  {208, kBlack}, {167, kWhite}, {6, kBlack},
    {44, kWhite},  {22, kWhite},  {244, kWhite}, {150, kBlack}, {103, kWhite}, {249, kBlack},
    {204, kWhite}, {79, kBlack},  {74, kWhite},  {209, kBlack}, {168, kWhite}, {7, kBlack},
    {45, kWhite},  {186, kBlack}, {135, kWhite}, {151, kBlack}, {104, kWhite}, {250, kBlack},
};
constexpr const char* kColorEnd = "\033[m";

std::string color_begin(ColorPair pair) {
  std::array<char, 40> text;
  const int size = std::snprintf(text.data(), text.size(), "\033[48;5;%03u;38;5;%03um\033[K",
                                 pair.background, pair.foreground);
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace

LineStyle line_style(const std::string* tag, std::int64_t color) {
  LineStyle style;
  if (color != kNoColor) {
    const auto place = static_cast<std::size_t>(color == kAlarmColor ? 0 : color);
    style.before =
        color_begin(color == kAlarmColor ? kAlarm : kPalette[place % std::size(kPalette)]);
    style.color_bytes = style.before.size();
    style.after = kColorEnd;
    style.closes_last = true;
  }
  if (tag != nullptr) {
    style.before += *tag;
    style.before += '\t';
  }
  return style;
}

void LineTagger::append(std::string_view bytes, std::string* out) {
  while (!bytes.empty()) {
    if (at_line_start_) *out += style_.before;
    const std::size_t end = bytes.find('\n');
    at_line_start_ = end != std::string_view::npos;
    const std::size_t size = at_line_start_ ? end : bytes.size();
    out->append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (!at_line_start_) return;
    *out += style_.after;
    *out += '\n';
    bytes.remove_prefix(1);
  }
}

void LineTagger::finish(std::string* out) {
  if (at_line_start_) return;
  *out += style_.after;
  if (style_.closes_last) *out += '\n';
  at_line_start_ = true;
}

std::string cut_mark(std::uint64_t cap_bytes, std::uint64_t written_bytes) {
  return "\n[enjoin: output cut here: " + std::to_string(written_bytes) + " bytes were written, " +
         std::to_string(cap_bytes) + " are kept (--max-output)]\n";
}

}  // namespace enjoin
