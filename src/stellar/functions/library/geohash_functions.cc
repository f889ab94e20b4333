// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "base/strings.h"
#include "stellar/functions/helpers.h"

namespace modelyard::stellar {
namespace {

constexpr std::string_view kAlphabet = "0123456789bcdefghjkmnpqrstuvwxyz";
constexpr double kEarthKm = 6371.0087714;  // mean radius
constexpr double kRadians = 3.14159265358979323846 / 180;

struct Point {
  double latitude;
  double longitude;
};

// Halves the ranges of longitude and latitude in turn, five bits a character.
std::string encode(Point point, int precision) {
  double low[2] = {-180, -90};
  double high[2] = {180, 90};
  const double wanted[2] = {point.longitude, point.latitude};
  std::string out;
  int axis = 0;
  for (int i = 0; i < precision; ++i) {
    int digit = 0;
    for (int bit = 0; bit < 5; ++bit) {
      const double middle = (low[axis] + high[axis]) / 2;
      const bool upper = wanted[axis] >= middle;
      (upper ? low : high)[axis] = middle;
      digit = digit << 1 | upper;
      axis ^= 1;
    }
    out += kAlphabet[static_cast<size_t>(digit)];
  }
  return out;
}

std::optional<Point> decode(std::string_view hash) {
  if (hash.empty() || hash.size() > 12) return std::nullopt;
  double low[2] = {-180, -90};
  double high[2] = {180, 90};
  int axis = 0;
  for (const char c : hash) {
    const size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    for (int bit = 4; bit >= 0; --bit) {
      const double middle = (low[axis] + high[axis]) / 2;
      ((digit >> bit & 1) != 0 ? low : high)[axis] = middle;
      axis ^= 1;
    }
  }
  return Point{(low[1] + high[1]) / 2, (low[0] + high[0]) / 2};
}

enum class Strategy { kHaversine, kLawOfCosines, kVincenty };
std::optional<Strategy> strategy_of(Call& call, Value name) {
  if (name.is_null()) return Strategy::kHaversine;
  if (name.is_string()) {
    const std::string text = to_lower_ascii(name.text());
    if (text == "haversine") return Strategy::kHaversine;
    if (text == "law_of_cosines") return Strategy::kLawOfCosines;
    if (text == "vicenty" || text == "vincenty") return Strategy::kVincenty;
  }
  call.fail("the strategy is none of HAVERSINE, LAW_OF_COSINES and VICENTY");
  return std::nullopt;
}

double distance(Point from, Point to, Strategy strategy) {
  const double a = from.latitude * kRadians;
  const double b = to.latitude * kRadians;
  const double longitudes = (to.longitude - from.longitude) * kRadians;
  if (from.latitude == to.latitude && from.longitude == to.longitude) return 0;
  switch (strategy) {
    case Strategy::kLawOfCosines: {
      const double cosine = std::sin(a) * std::sin(b) + std::cos(a) * std::cos(b) * std::cos(longitudes);
      return kEarthKm * (cosine >= 1 ? 0 : cosine <= -1 ? 180 * kRadians : std::acos(cosine));
    }
    case Strategy::kVincenty: {
      const double x = std::cos(b) * std::sin(longitudes);
      const double y = std::cos(a) * std::sin(b) - std::sin(a) * std::cos(b) * std::cos(longitudes);
      return kEarthKm *
             std::atan2(std::hypot(x, y), std::sin(a) * std::sin(b) + std::cos(a) * std::cos(b) * std::cos(longitudes));
    }
    case Strategy::kHaversine: break;
  }
  const double half_latitude = std::sin((a - b) * 0.5);
  const double half_longitude = std::sin(-longitudes * 0.5);
  const double h = half_latitude * half_latitude + std::cos(a) * std::cos(b) * half_longitude * half_longitude;
  return kEarthKm * 2 * std::atan2(std::sqrt(h), std::sqrt(1 - h));
}

std::optional<int> precision_of(Value value) {
  if (value.is_null()) return 12;
  const auto precision = to_integer(value);
  if (!precision || *precision < 1 || *precision > 12) return std::nullopt;
  return *precision;
}

Value encoded(Call& call, Value latitude, Value longitude, Value precision_value) {
  const auto lat = to_double(latitude);
  const auto lon = to_double(longitude);
  if (!lat || !lon) return {};
  if (std::fabs(*lat) > 90 || std::fabs(*lon) > 180) return call.fail("the point is outside of -90..90, -180..180");
  const auto precision = precision_of(precision_value);
  if (!precision) return call.fail("the precision is none of 1 to 12");
  return call.string(encode({*lat, *lon}, *precision));
}

Value from_latlong(Call& call) { return encoded(call, call.at(0), call.at(1), call.at(2)); }

Value from_loc(Call& call) {
  if (call.at(0).is_null()) return {};
  if (!call[0].is_map()) return call.wrong_kind(0, "map");
  return encoded(call, get(call[0].map(), "latitude"), get(call[0].map(), "longitude"), call.at(1));
}

// The point of a hash given as text; nothing for null, and after call.fail().
std::optional<Point> point_of(Call& call, Value hash) {
  if (hash.is_null() || call.failed) return std::nullopt;
  const auto point = hash.is_string() ? decode(hash.text()) : std::nullopt;
  if (!point) call.fail("this is no geohash");
  return point;
}

Value to_latlong(Call& call) {
  const auto point = point_of(call, call.at(0));
  if (!point) return {};
  MapObject* map = make_map(call.arena, MapObject::Order::kHashed, 2);
  put(*map, "latitude", Value::double_number(point->latitude));
  put(*map, "longitude", Value::double_number(point->longitude));
  return Value::map(map);
}

Value dist(Call& call) {
  if (!has_arguments(call, 2)) return {};
  const auto from = point_of(call, call[0]);
  const auto to = point_of(call, call[1]);
  const auto strategy = strategy_of(call, call.at(2));
  if (call.failed || !from || !to) return {};
  return Value::double_number(distance(*from, *to, *strategy));
}

Value max_dist(Call& call) {
  if (call.at(0).is_null()) return {};
  std::vector<Point> points;
  const bool collection = for_each_item(call[0], [&](Value hash) {
    if (const auto point = point_of(call, hash)) points.push_back(*point);
  });
  if (!collection) return call.wrong_kind(0, "list of geohashes");
  const auto strategy = strategy_of(call, call.at(1));
  if (call.failed) return {};
  constexpr size_t kPointsMax = 5000;
  if (points.size() > kPointsMax) throw BoundReached{"points"};
  double longest = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    for (size_t j = i + 1; j < points.size(); ++j)
      longest = std::max(longest, distance(points[i], points[j], *strategy));
  }
  return points.empty() ? Value::null() : Value::double_number(longest);
}

// The middle of the points on the sphere, each counted by its weight in a multiset.
Value centroid(Call& call) {
  if (call.at(0).is_null()) return {};
  double x = 0;
  double y = 0;
  double z = 0;
  double total = 0;
  const auto add = [&](Value hash, double weight) {
    const auto point = point_of(call, hash);
    if (!point) return;
    const double lat = point->latitude * kRadians;
    const double lon = point->longitude * kRadians;
    x += weight * std::cos(lat) * std::cos(lon);
    y += weight * std::cos(lat) * std::sin(lon);
    z += weight * std::sin(lat);
    total += weight;
  };
  if (call[0].is_map()) {
    for (const auto& entry : entries_of(call[0].map())) add(entry.key, to_double(entry.value).value_or(0));
  } else if (!for_each_item(call[0], [&](Value hash) { add(hash, 1); })) {
    return call.wrong_kind(0, "collection of geohashes");
  }
  const auto precision = precision_of(call.at(1));
  if (!precision) return call.fail("the precision is none of 1 to 12");
  if (call.failed || total == 0) return {};
  const Point middle{std::atan2(z, std::hypot(x, y)) / kRadians, std::atan2(y, x) / kRadians};
  return call.string(encode(middle, *precision));
}

}  // namespace

void register_geohash_functions(FunctionRegistry& registry) {
  registry.add({.name = "GEOHASH_FROM_LATLONG",
                .category = "geo-hash",
                .description = "The geohash of a point.",
                .parameters = {{"latitude", "double", "degrees; null gives null"},
                               {"longitude", "double", "degrees"},
                               {"precision", "int", "characters, 1 to 12 (default)", true}},
                .returns = "string",
                .examples = {{"GEOHASH_FROM_LATLONG(40.7128, -74.0060, 5)", "\"dr5re\""}},
                .run = from_latlong});
  registry.add(
      {.name = "GEOHASH_FROM_LOC",
       .category = "geo-hash",
       .description = "The geohash of a map with latitude and longitude.",
       .parameters = {{"loc", "map", "null gives null"}, {"precision", "int", "characters, 1 to 12 (default)", true}},
       .returns = "string",
       .examples = {{"GEOHASH_FROM_LOC({'latitude' : '40.7128', 'longitude' : '-74.0060'}, 4)", "\"dr5r\""}},
       .run = from_loc});
  registry.add({.name = "GEOHASH_TO_LATLONG",
                .category = "geo-hash",
                .description = "The middle of a geohash's cell: a map with latitude and longitude.",
                .parameters = {{"hash", "string", "null gives null"}},
                .returns = "map",
                .examples = {{"GEOHASH_TO_LATLONG('s')", "{\"latitude\":22.5,\"longitude\":22.5}"}},
                .run = to_latlong});
  registry.add({.name = "GEOHASH_DIST",
                .category = "geo-hash",
                .description = "The distance of two geohashes in km.",
                .parameters = {{"hash1", "string", "null gives null"},
                               {"hash2", "string", "null gives null"},
                               {"strategy", "string", "HAVERSINE (default), LAW_OF_COSINES, VICENTY", true}},
                .returns = "double",
                .examples = {{"ROUND(GEOHASH_DIST('dr5ru', '9q8yy'))", "4129.0"}},
                .run = dist});
  registry.add({.name = "GEOHASH_MAX_DIST",
                .category = "geo-hash",
                .description = "The longest distance between any two of the geohashes in km.",
                .parameters = {{"hashes", "list<string>", "null gives null"},
                               {"strategy", "string", "as of GEOHASH_DIST", true}},
                .returns = "double",
                .examples = {{"ROUND(GEOHASH_MAX_DIST(['dr5ru', 'dr5rg', '9q8yy']))", "4129.0"}},
                .run = max_dist});
  registry.add({.name = "GEOHASH_CENTROID",
                .category = "geo-hash",
                .description = "The geohash of the middle of some geohashes.",
                .parameters = {{"hashes", "list<string>", "or a multiset, whose counts are weights; null gives null"},
                               {"precision", "int", "characters, 1 to 12 (default)", true}},
                .returns = "string",
                .examples = {{"GEOHASH_CENTROID(['s00', 's00'], 3)", "\"s00\""}},
                .run = centroid});
}

}  // namespace modelyard::stellar
