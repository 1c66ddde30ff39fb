// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/codec/field_traits_chrono.hpp>
#include <tradecore/pg/codec/timestamp_wire.hpp>
#include <tradecore/pg/types/date_time.hpp>
#include <tradecore/pg/types/interval.hpp>

#include <limits>

namespace tradecore::pg {

namespace {

using std::chrono::local_time;
using std::chrono::microseconds;
using std::chrono::sys_days;

template <class T>
bool is_limit(std::string_view bytes, T limit) noexcept
{
    return bytes.size() == sizeof(T) && detail::load<T>(bytes) == limit;
}

[[noreturn]] void refuse_infinity(const field& from, std::string_view cpp_type, int sign)
{
    const std::string value = sign > 0 ? "infinity" : "-infinity";
    from.refuse(cpp_type, value + " is no finite value; take a tradecore::pg::extended");
}

template <class T>
T load_exactly(const field& from, std::string_view cpp_type)
{
    if (from.bytes().size() != sizeof(T)) {
        from.refuse(cpp_type, "the value has " + std::to_string(from.bytes().size()) + " bytes");
    }
    return detail::load<T>(from.bytes());
}

sys_days read_date(const field& from, std::string_view cpp_type)
{
    if (const int sign = detail::read_infinity(from); sign != 0) {
        refuse_infinity(from, cpp_type, sign);
    }
    if (from.format() == wire_format::text) {
        const auto value = detail::date_from_text(from.bytes());
        if (!value) {
            from.refuse(cpp_type, "the text is not in DateStyle ISO");
        }
        return *value;
    }
    const auto value = detail::date_from_wire(load_exactly<std::int32_t>(from, cpp_type));
    if (!value) {
        from.refuse(cpp_type, "the date is beyond the server's range");
    }
    return *value;
}

} // namespace

int detail::read_infinity(const field& from) noexcept
{
    const auto bytes = from.bytes();
    if (from.format() == wire_format::text) {
        return bytes == "infinity" ? 1 : bytes == "-infinity" ? -1 : 0;
    }
    const auto sign = [bytes]<class T>(T) {
        using limits = std::numeric_limits<T>;
        return is_limit(bytes, limits::max()) ? 1 : is_limit(bytes, limits::min()) ? -1 : 0;
    };
    return from.type() == oids::date ? sign(std::int32_t{}) : sign(std::int64_t{});
}

std::chrono::microseconds detail::read_duration(const field& from, std::string_view cpp_type)
{
    const auto value = field_traits<interval>::decode(from);
    if (value.months != 0 || value.days != 0) {
        from.refuse(
            cpp_type,
            value.to_string() + " has months or days, which are no fixed time; take a tradecore::pg::interval");
    }
    return value.time;
}

sys_days field_traits<sys_days>::decode(const field& from)
{
    return read_date(from, "std::chrono::sys_days");
}

std::chrono::local_days field_traits<std::chrono::local_days>::decode(const field& from)
{
    return std::chrono::local_days(read_date(from, "std::chrono::local_days").time_since_epoch());
}

std::chrono::year_month_day field_traits<std::chrono::year_month_day>::decode(const field& from)
{
    constexpr std::string_view cpp_type = "std::chrono::year_month_day";
    constexpr auto last = sys_days(std::chrono::year::max() / 12 / 31);
    const auto value = read_date(from, cpp_type);
    if (value > last) {
        from.refuse(cpp_type, detail::date_to_text(value) + " is beyond the years of std::chrono");
    }
    return value;
}

local_time<microseconds> field_traits<local_time<microseconds>>::decode(const field& from)
{
    constexpr std::string_view cpp_type = "std::chrono::local_time<std::chrono::microseconds>";
    if (const int sign = detail::read_infinity(from); sign != 0) {
        refuse_infinity(from, cpp_type, sign);
    }
    if (from.format() == wire_format::text) {
        const auto value = detail::timestamp_from_text(from.bytes());
        if (!value) {
            from.refuse(cpp_type, "the text is not in DateStyle ISO, or the time does not fit");
        }
        return *value;
    }
    const auto value = detail::timestamp_from_wire(load_exactly<std::int64_t>(from, cpp_type));
    if (!value) {
        from.refuse(cpp_type, "the time does not fit");
    }
    return *value;
}

std::string to_string(sys_days value)
{
    return detail::date_to_text(value);
}

std::string to_string(local_time<microseconds> value)
{
    return detail::timestamp_to_text(value);
}

std::string to_string(tradecore::timestamptz value)
{
    return detail::timestamptz_to_text(value);
}

} // namespace tradecore::pg
