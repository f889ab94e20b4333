// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/dates/zones.h"

#include <fmt/format.h>
#include <unicode/basictz.h>
#include <unicode/locid.h>
#include <unicode/timezone.h>

#include <cstdlib>
#include <list>
#include <unordered_map>

#include "base/strings.h"

namespace modelyard::stellar {
namespace {

constexpr int64_t kMinute = 60'000;
constexpr int64_t kHour = 3'600'000;

class FixedZone final : public Zone {
 public:
  FixedZone(int64_t offset, std::string short_text, std::string long_text)
      : offset_(offset), short_(std::move(short_text)), long_(std::move(long_text)) {}
  int64_t offset_ms(int64_t) const override { return offset_; }
  int64_t offset_of_local_ms(int64_t) const override { return offset_; }
  std::string short_name(int64_t) const override { return short_; }
  std::string long_name(int64_t) const override { return long_; }

 private:
  int64_t offset_;
  std::string short_;
  std::string long_;
};

// Names that the reference's locale data has and ICU's English lacks, by ICU's long standard name.
struct ShortName {
  std::string_view long_standard;
  std::string_view standard;
  std::string_view daylight;
};
constexpr ShortName kShortNames[] = {
    {"Central European Standard Time", "CET", "CEST"},
    {"Eastern European Standard Time", "EET", "EEST"},
    {"Western European Standard Time", "WET", "WEST"},
    {"Japan Standard Time", "JST", "JDT"},
    {"India Standard Time", "IST", "IDT"},
    {"China Standard Time", "CST", "CDT"},
    {"Korean Standard Time", "KST", "KDT"},
    {"Singapore Standard Time", "SGT", "SGT"},
    {"Hong Kong Standard Time", "HKT", "HKST"},
    {"Moscow Standard Time", "MSK", "MSD"},
    {"Australian Eastern Standard Time", "AEST", "AEDT"},
    {"Australian Central Standard Time", "ACST", "ACDT"},
    {"Australian Western Standard Time", "AWST", "AWDT"},
    {"New Zealand Standard Time", "NZST", "NZDT"},
    {"Brasilia Standard Time", "BRT", "BRST"},
    {"Argentina Standard Time", "ART", "ARST"},
    {"South Africa Standard Time", "SAST", "SAST"},
    {"Israel Standard Time", "IST", "IDT"},
    {"Arabian Standard Time", "AST", "ADT"},
    {"Greenwich Mean Time", "GMT", "BST"},
};

class RegionZone final : public Zone {
 public:
  explicit RegionZone(std::unique_ptr<icu::TimeZone> zone) : zone_(std::move(zone)) {}

  int64_t offset_ms(int64_t utc_ms) const override {
    int32_t raw = 0;
    int32_t daylight = 0;
    UErrorCode error = U_ZERO_ERROR;
    zone_->getOffset(static_cast<double>(utc_ms), false, raw, daylight, error);
    return int64_t{raw} + daylight;
  }
  int64_t offset_of_local_ms(int64_t local_ms) const override {
    int32_t raw = 0;
    int32_t daylight = 0;
    UErrorCode error = U_ZERO_ERROR;
    if (const auto* basic = dynamic_cast<const icu::BasicTimeZone*>(zone_.get())) {
      basic->getOffsetFromLocal(static_cast<double>(local_ms), UCAL_TZ_LOCAL_FORMER, UCAL_TZ_LOCAL_LATTER, raw,
                                daylight, error);
    } else {
      zone_->getOffset(static_cast<double>(local_ms), true, raw, daylight, error);
    }
    return int64_t{raw} + daylight;
  }
  std::string short_name(int64_t utc_ms) const override {
    const bool daylight = in_daylight(utc_ms);
    const std::string text = display(daylight, icu::TimeZone::SHORT);
    if (!text.starts_with("GMT") || text.size() == 3) return text;
    const std::string standard = display(false, icu::TimeZone::LONG);
    for (const ShortName& known : kShortNames) {
      if (known.long_standard == standard) return std::string(daylight ? known.daylight : known.standard);
    }
    const int64_t minutes = offset_ms(utc_ms) / kMinute;
    return fmt::format("GMT{}{:02}:{:02}", minutes < 0 ? '-' : '+', std::abs(minutes) / 60, std::abs(minutes) % 60);
  }
  std::string long_name(int64_t utc_ms) const override { return display(in_daylight(utc_ms), icu::TimeZone::LONG); }

 private:
  bool in_daylight(int64_t utc_ms) const {
    int32_t raw = 0;
    int32_t daylight = 0;
    UErrorCode error = U_ZERO_ERROR;
    zone_->getOffset(static_cast<double>(utc_ms), false, raw, daylight, error);
    return daylight != 0;
  }
  std::string display(bool daylight, icu::TimeZone::EDisplayType style) const {
    icu::UnicodeString text;
    zone_->getDisplayName(daylight, style, icu::Locale::getUS(), text);
    std::string out;
    text.toUTF8String(out);
    return out;
  }
  std::unique_ptr<icu::TimeZone> zone_;
};

struct OldName {
  std::string_view id;
  std::string_view region;
};
constexpr OldName kOldNames[] = {
    {"ACT", "Australia/Darwin"},
    {"AET", "Australia/Sydney"},
    {"AGT", "America/Argentina/Buenos_Aires"},
    {"ART", "Africa/Cairo"},
    {"AST", "America/Anchorage"},
    {"BET", "America/Sao_Paulo"},
    {"BST", "Asia/Dhaka"},
    {"CAT", "Africa/Harare"},
    {"CNT", "America/St_Johns"},
    {"CST", "America/Chicago"},
    {"CTT", "Asia/Shanghai"},
    {"EAT", "Africa/Addis_Ababa"},
    {"ECT", "Europe/Paris"},
    {"IET", "America/Indiana/Indianapolis"},
    {"IST", "Asia/Kolkata"},
    {"JST", "Asia/Tokyo"},
    {"MIT", "Pacific/Apia"},
    {"NET", "Asia/Yerevan"},
    {"NST", "Pacific/Auckland"},
    {"PLT", "Asia/Karachi"},
    {"PNT", "America/Phoenix"},
    {"PRT", "America/Puerto_Rico"},
    {"PST", "America/Los_Angeles"},
    {"SST", "Pacific/Guadalcanal"},
    {"VST", "Asia/Ho_Chi_Minh"},
};

std::string offset_name(int64_t offset) {
  if (offset == 0) return "GMT";
  const int64_t minutes = std::abs(offset) / kMinute;
  return fmt::format("GMT{}{:02}:{:02}", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

// GMT+h, GMT+hh:mm, GMT+hmm: hours up to 23, minutes up to 59.
std::optional<int64_t> custom_offset(std::string_view id) {
  if (!id.starts_with("GMT") || id.size() < 5 || (id[3] != '+' && id[3] != '-')) return std::nullopt;
  const bool negative = id[3] == '-';
  id.remove_prefix(4);
  int64_t hours = 0;
  int64_t minutes = 0;
  const auto number = [](std::string_view text) -> std::optional<int64_t> {
    if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    return parse_int(text);
  };
  if (const size_t colon = id.find(':'); colon != std::string_view::npos) {
    const auto h = number(id.substr(0, colon));
    const auto m = number(id.substr(colon + 1));
    if (!h || !m || colon > 2 || id.size() - colon != 3) return std::nullopt;
    hours = *h;
    minutes = *m;
  } else {
    const auto all = number(id);
    if (!all || id.size() > 4) return std::nullopt;
    hours = id.size() <= 2 ? *all : *all / 100;
    minutes = id.size() <= 2 ? 0 : *all % 100;
  }
  if (hours > 23 || minutes > 59) return std::nullopt;
  const int64_t offset = hours * kHour + minutes * kMinute;
  return negative ? -offset : offset;
}

std::shared_ptr<const Zone> make_zone(std::string_view id) {
  if (id == "UTC") return std::make_shared<FixedZone>(0, "UTC", "Coordinated Universal Time");
  if (id == "EST") return std::make_shared<FixedZone>(-5 * kHour, "EST", "Eastern Standard Time");
  if (id == "MST") return std::make_shared<FixedZone>(-7 * kHour, "MST", "Mountain Standard Time");
  if (id == "HST") return std::make_shared<FixedZone>(-10 * kHour, "HST", "Hawaii Standard Time");
  if (const auto offset = custom_offset(id))
    return std::make_shared<FixedZone>(*offset, offset_name(*offset), offset_name(*offset));
  for (const OldName& old : kOldNames) {
    if (old.id == id) id = old.region;
  }
  std::unique_ptr<icu::TimeZone> zone(icu::TimeZone::createTimeZone(icu::UnicodeString::fromUTF8(std::string(id))));
  // ICU reads GMT+… in its own ways and calls what it does not know so.
  if (zone == nullptr || *zone == icu::TimeZone::getUnknown() || id.starts_with("GMT") || id.empty()) {
    return std::make_shared<FixedZone>(0, "GMT", "Greenwich Mean Time");
  }
  return std::make_shared<RegionZone>(std::move(zone));
}

}  // namespace

std::shared_ptr<const Zone> zone_by_id(std::string_view id) {
  constexpr size_t kCached = 64;
  thread_local std::unordered_map<std::string, std::shared_ptr<const Zone>> cache;
  std::string key(id);
  if (const auto found = cache.find(key); found != cache.end()) return found->second;
  if (cache.size() >= kCached) cache.clear();
  auto zone = make_zone(id);
  cache.emplace(std::move(key), zone);
  return zone;
}

std::shared_ptr<const Zone> default_zone() {
  static const std::shared_ptr<const Zone> zone = [] {
    std::unique_ptr<icu::TimeZone> host(icu::TimeZone::detectHostTimeZone());
    icu::UnicodeString id;
    host->getID(id);
    std::string text;
    text = id.toUTF8String(text);
    if (text == "Etc/UTC" || text == "UTC" || text == "GMT" || text == "Etc/Unknown" || text == "Etc/UCT" ||
        text == "Universal" || text == "Zulu")
      text = "UTC";
    return zone_by_id(text);
  }();
  return zone;
}

std::optional<NamedOffset> parse_zone_name(std::string_view text) {
  size_t length = 0;
  while (length < text.size() &&
         ((text[length] >= 'a' && text[length] <= 'z') || (text[length] >= 'A' && text[length] <= 'Z')))
    ++length;
  const std::string word(text.substr(0, length));
  struct Abbreviation {
    std::string_view name;
    int minutes;
  };
  static constexpr Abbreviation kAbbreviations[] = {
      {"GMT", 0},     {"UTC", 0},    {"UT", 0},     {"Z", 0},      {"WET", 0},    {"WEST", 60},  {"BST", 60},
      {"CET", 60},    {"CEST", 120}, {"EET", 120},  {"EEST", 180}, {"MSK", 180},  {"EST", -300}, {"EDT", -240},
      {"CST", -360},  {"CDT", -300}, {"MST", -420}, {"MDT", -360}, {"PST", -480}, {"PDT", -420}, {"AKST", -540},
      {"AKDT", -480}, {"HST", -600}, {"AST", -240}, {"ADT", -180}, {"NST", -210}, {"NDT", -150}, {"JST", 540},
      {"KST", 540},   {"IST", 330},  {"SGT", 480},  {"HKT", 480},  {"AEST", 600}, {"AEDT", 660}, {"ACST", 570},
      {"ACDT", 630},  {"AWST", 480}, {"NZST", 720}, {"NZDT", 780},
  };
  for (const Abbreviation& known : kAbbreviations) {
    if (equal_ignoring_case_ascii(known.name, word)) return NamedOffset{known.minutes * kMinute, length};
  }
  struct LongName {
    std::string_view name;
    int minutes;
  };
  static constexpr LongName kLongNames[] = {
      {"Greenwich Mean Time", 0},       {"Coordinated Universal Time", 0}, {"Eastern Standard Time", -300},
      {"Eastern Daylight Time", -240},  {"Central Standard Time", -360},   {"Central Daylight Time", -300},
      {"Mountain Standard Time", -420}, {"Mountain Daylight Time", -360},  {"Pacific Standard Time", -480},
      {"Pacific Daylight Time", -420},  {"Central European Time", 60},     {"Central European Summer Time", 120},
      {"British Summer Time", 60},      {"Japan Standard Time", 540},      {"India Standard Time", 330},
  };
  for (const LongName& known : kLongNames) {
    if (equal_ignoring_case_ascii(known.name, text.substr(0, known.name.size())))
      return NamedOffset{known.minutes * kMinute, known.name.size()};
  }
  return std::nullopt;
}

}  // namespace modelyard::stellar
