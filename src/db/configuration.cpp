// SPDX-License-Identifier: Apache-2.0
#include <tradecore/db/configuration.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace tradecore {
namespace {

using std::chrono::milliseconds;

/// Reads variables of one prefix; an empty value counts as not set.
class reader {
public:
    reader(const environment& from, std::string_view prefix) : from_(from), prefix_(prefix) {}

    [[nodiscard]] std::string name(std::string_view variable) const { return prefix_ + std::string(variable); }

    [[nodiscard]] std::optional<std::string> text(std::string_view variable) const
    {
        auto value = from_(name(variable));
        if (value && value->empty())
            value.reset();
        return value;
    }

    template <class T>
    void number(std::string_view variable, T& into, T lowest, T highest, std::string_view meaning) const
    {
        const auto value = text(variable);
        if (!value)
            return;
        T parsed{};
        const auto* const end = value->data() + value->size();
        const auto [stopped, error] = std::from_chars(value->data(), end, parsed);
        // Written so that NaN is refused too.
        if (error != std::errc() || stopped != end || !(parsed >= lowest && parsed <= highest))
            throw configuration_error(
                name(variable), fmt::format("'{}' is not {} from {} to {}", *value, meaning, lowest, highest));
        into = parsed;
    }

    void seconds(std::string_view variable, milliseconds& into, double lowest) const
    {
        auto value = static_cast<double>(into.count()) / 1000.0;
        number(variable, value, lowest, 86'400.0, "a number of seconds");
        into = milliseconds(std::llround(value * 1000.0));
    }

    void milliseconds_of(std::string_view variable, milliseconds& into) const
    {
        auto value = into.count();
        number<milliseconds::rep>(variable, value, 0, 86'400'000, "a whole number of milliseconds");
        into = milliseconds(value);
    }

    void flag(std::string_view variable, bool& into) const
    {
        auto value = text(variable);
        if (!value)
            return;
        std::ranges::transform(
            *value, value->begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        if (*value == "true" || *value == "1" || *value == "yes" || *value == "on")
            into = true;
        else if (*value == "false" || *value == "0" || *value == "no" || *value == "off")
            into = false;
        else
            throw configuration_error(name(variable), "'" + *value + "' is neither true nor false");
    }

private:
    const environment& from_;
    std::string prefix_;
};

database_options defaults_of(std::size_t minimum, std::size_t maximum)
{
    database_options options;
    options.pool.minimum = minimum;
    options.pool.maximum = maximum;
    return options;
}

} // namespace

environment process_environment()
{
    return [](std::string_view name) -> std::optional<std::string> {
        const char* const value = std::getenv(std::string(name).c_str());
        return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    };
}

database_options
read_database_options(const environment& from, std::string name, std::string_view prefix, database_options defaults)
{
    const reader own(from, prefix);
    const reader common(from, "");
    database_options options = std::move(defaults);
    options.name = std::move(name);

    for (const std::string_view variable : {"POSTGRES_DSN", "DATABASE_URL"}) {
        const auto dsn = own.text(variable);
        if (!dsn)
            continue;
        try {
            options.connect = pg::connect_options::parse(*dsn);
        }
        catch (const std::invalid_argument& problem) {
            throw configuration_error(own.name(variable), problem.what());
        }
        break;
    }
    if (options.connect.hosts.empty())
        throw configuration_error(own.name("POSTGRES_DSN"), "is not set, nor is " + own.name("DATABASE_URL"));

    const auto default_minimum = options.pool.minimum;
    own.number<std::size_t>("PG_POOL_MAX_SIZE", options.pool.maximum, 1, 10'000, "a whole number");
    own.number<std::size_t>("PG_POOL_MIN_SIZE", options.pool.minimum, 0, 10'000, "a whole number");
    if (options.pool.minimum > options.pool.maximum) {
        if (own.text("PG_POOL_MIN_SIZE"))
            throw configuration_error(
                own.name("PG_POOL_MIN_SIZE"), fmt::format(
                                                  "{} is above {}, which is {}", options.pool.minimum,
                                                  own.name("PG_POOL_MAX_SIZE"), options.pool.maximum));
        // Who lowers the maximum alone means the minimum too.
        options.pool.minimum = std::min(default_minimum, options.pool.maximum);
    }
    own.seconds("PG_POOL_TIMEOUT_SEC", options.pool.acquire_timeout, 0.001);
    own.seconds("PG_COMMAND_TIMEOUT_SEC", options.command_timeout, 0.0);

    common.milliseconds_of("DB_SLOW_QUERY_THRESHOLD_MS", options.slow_query);
    common.milliseconds_of("DB_LONG_TRANSACTION_THRESHOLD_MS", options.long_transaction);
    common.milliseconds_of("DB_SLOW_ACQUIRE_THRESHOLD_MS", options.pool.slow_acquire);
    common.flag("DB_LOG_ARGUMENTS", options.log_arguments);
    common.number("DB_POOL_EXHAUSTION_THRESHOLD", options.pool.exhaustion_threshold, 0.01, 1.0, "a share");
    return options;
}

database_configuration read_configuration(const environment& from)
{
    database_configuration found;
    found.main = read_database_options(from, "main", "", defaults_of(20, 100));
    bool vb = true;
    reader(from, "").flag("ENABLE_VB_DATABASE", vb);
    if (vb) {
        found.vb = read_database_options(from, "vb", "VB_", defaults_of(10, 50));
    }
    return found;
}

} // namespace tradecore
