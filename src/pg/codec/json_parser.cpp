// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/json_parser.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value_stack.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <system_error>

namespace tradecore::pg::detail {

namespace {

namespace json = boost::json;

// `guess` is right but for its last bits.
double nearest(json::string_view text, double guess) noexcept
{
    double value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc::result_out_of_range) {
        return value;
    }
    return std::copysign(std::fabs(guess) > 1 ? std::numeric_limits<double>::infinity() : 0.0, guess);
}

// Builds a value of what the parser meets. The names are the parser's.
struct value_builder {
    static constexpr std::size_t max_object_size = json::object::max_size();
    static constexpr std::size_t max_array_size = json::array::max_size();
    static constexpr std::size_t max_key_size = json::string::max_size();
    static constexpr std::size_t max_string_size = json::string::max_size();

    json::value_stack values;

    static bool on_document_begin(json::error_code&) { return true; }
    static bool on_document_end(json::error_code&) { return true; }
    static bool on_object_begin(json::error_code&) { return true; }
    bool on_object_end(std::size_t count, json::error_code&) { return values.push_object(count), true; }
    static bool on_array_begin(json::error_code&) { return true; }
    bool on_array_end(std::size_t count, json::error_code&) { return values.push_array(count), true; }
    bool on_key_part(json::string_view part, std::size_t, json::error_code&) { return values.push_chars(part), true; }
    bool on_key(json::string_view rest, std::size_t, json::error_code&) { return values.push_key(rest), true; }
    bool on_string_part(json::string_view part, std::size_t, json::error_code&)
    {
        return values.push_chars(part), true;
    }
    bool on_string(json::string_view rest, std::size_t, json::error_code&) { return values.push_string(rest), true; }
    // A part of a number comes only where the text is given in parts.
    static bool on_number_part(json::string_view, json::error_code&) { return true; }
    bool on_int64(std::int64_t value, json::string_view, json::error_code&) { return values.push_int64(value), true; }
    bool on_uint64(std::uint64_t value, json::string_view, json::error_code&)
    {
        return values.push_uint64(value), true;
    }
    bool on_double(double guess, json::string_view text, json::error_code&)
    {
        return values.push_double(nearest(text, guess)), true;
    }
    bool on_bool(bool value, json::error_code&) { return values.push_bool(value), true; }
    bool on_null(json::error_code&) { return values.push_null(), true; }
    static bool on_comment_part(json::string_view, json::error_code&) { return true; }
    static bool on_comment(json::string_view, json::error_code&) { return true; }
};

} // namespace

json::value parse_json(std::string_view text, json::error_code& failed)
{
    json::parse_options options;
    // Deeper than the library's own limit of 32, still far from the end of the stack.
    options.max_depth = 500;
    json::basic_parser<value_builder> parser(options);
    parser.handler().values.reset();
    const auto read = parser.write_some(false, text.data(), text.size(), failed);
    if (!failed && read < text.size()) {
        failed = json::make_error_code(json::error::extra_data);
    }
    return failed ? json::value() : parser.handler().values.release();
}

} // namespace tradecore::pg::detail
