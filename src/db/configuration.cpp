// SPDX-License-Identifier: Apache-2.0
#include "db/connection_parts.hpp"

#include <tradecore/db/configuration.hpp>
#include <tradecore/observe/log.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace tradecore {
namespace {

using std::chrono::milliseconds;

/// Reads variables of one prefix and notes what is in force; an empty value counts as not set.
class reader {
public:
    /// @param notes may be null.
    reader(const environment& from, std::string_view prefix, std::vector<setting>* notes)
        : from_(from), prefix_(prefix), notes_(notes)
    {}

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
        read(variable, into, lowest, highest, meaning);
        note(variable, fmt::to_string(into));
    }

    /// What may not be above another setting, `bound`, which is `most`: when that is lowered alone the default follows.
    template <class T>
    void number_below(
        std::string_view variable, T& into, T lowest, T highest, std::string_view meaning, std::string_view bound,
        T most) const
    {
        const bool follows = !text(variable) && into > most;
        into = std::min(into, most);
        read(variable, into, lowest, highest, meaning);
        if (into > most)
            throw configuration_error(
                name(variable),
                fmt::format(
                    "{} is above {}, which is {}{}", into, name(bound), most, text(bound) ? "" : " by default"));
        note(variable, fmt::to_string(into), follows ? "follows " + name(bound) : origin_of(variable));
    }

    void seconds(std::string_view variable, milliseconds& into, double lowest) const
    {
        auto value = static_cast<double>(into.count()) / 1000.0;
        read(variable, value, lowest, 86'400.0, "a number of seconds");
        // It would become 0, which is no limit.
        if (value > 0.0 && value < 0.001)
            throw configuration_error(
                name(variable),
                fmt::format("'{}' is above 0 and below 0.001, a millisecond", text(variable).value_or("")));
        into = milliseconds(std::llround(value * 1000.0));
        note(variable, fmt::to_string(static_cast<double>(into.count()) / 1000.0));
    }

    void milliseconds_of(std::string_view variable, milliseconds& into, milliseconds::rep lowest = 0) const
    {
        auto value = into.count();
        number<milliseconds::rep>(variable, value, lowest, longest_ms, whole_ms);
        into = milliseconds(value);
    }
    void milliseconds_below(
        std::string_view variable, milliseconds& into, milliseconds::rep lowest, std::string_view bound,
        milliseconds most) const
    {
        auto value = into.count();
        number_below<milliseconds::rep>(variable, value, lowest, longest_ms, whole_ms, bound, most.count());
        into = milliseconds(value);
    }

    void flag(std::string_view variable, bool& into) const
    {
        if (auto value = text(variable)) {
            std::ranges::transform(*value, value->begin(), [](char c) {
                return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
            });
            if (*value == "true" || *value == "1" || *value == "yes" || *value == "on")
                into = true;
            else if (*value == "false" || *value == "0" || *value == "no" || *value == "off")
                into = false;
            else
                throw configuration_error(name(variable), "'" + *value + "' is neither true nor false");
        }
        note(variable, into ? "true" : "false");
    }

    void log_level(std::string_view variable) const
    {
        const auto value = text(variable);
        const auto level = value ? observe::parse_level(*value) : observe::level::info;
        if (!level)
            throw configuration_error(
                name(variable), "'" + *value + "' is none of trace, debug, info, warn, error, critical, off");
        note(variable, std::string(observe::to_string(*level)));
    }

    /// A setting that is what its variable says, else a default.
    void note(std::string_view variable, std::string value) const
    {
        note(variable, std::move(value), origin_of(variable));
    }
    void note(std::string_view variable, std::string value, std::string origin) const
    {
        if (notes_ != nullptr)
            notes_->push_back({name(variable), std::move(value), std::move(origin)});
    }

private:
    template <class T>
    void read(std::string_view variable, T& into, T lowest, T highest, std::string_view meaning) const
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

    [[nodiscard]] std::string origin_of(std::string_view variable) const
    {
        return text(variable) ? name(variable) : "default";
    }

    static constexpr milliseconds::rep longest_ms = 86'400'000;
    static constexpr std::string_view whole_ms = "a whole number of milliseconds";

    const environment& from_;
    std::string prefix_;
    std::vector<setting>* notes_;
};

/// @returns whether a URI has an '@' that may be a password's: what is behind it, or before it, would be taken for a
/// host or a database, and shown.
bool has_stray_at(std::string_view dsn)
{
    const auto begin = dsn.find("://");
    if (begin == std::string_view::npos)
        return false;
    const auto rest = dsn.substr(begin + 3, dsn.find('?', begin) - begin - 3);
    const auto at = rest.find('@');
    return at != std::string_view::npos && (rest.find('/') < at || rest.find('@', at + 1) != std::string_view::npos);
}

/// @returns the variable of a DSN and all others that say something of the connection.
std::string origins_of(const std::vector<setting>& parts, std::string dsn)
{
    std::vector<std::string> all{"default", std::move(dsn)};
    for (const auto& one : parts)
        if (std::ranges::find(all, one.origin) == all.end())
            all.push_back(one.origin);
    return fmt::format("{}", fmt::join(all.begin() + 1, all.end(), ", "));
}

/// @param way_out what else may be done when there is no DSN; may be empty.
void read_connection(const reader& own, const environment& from, database_options& options, std::string_view way_out)
{
    auto around = pg::environment::of_process();
    around.variable = from;
    std::string origin = "default";
    std::vector<setting> parts;
    for (const std::string_view variable : {"POSTGRES_DSN", "DATABASE_URL"}) {
        const auto dsn = own.text(variable);
        if (!dsn)
            continue;
        origin = own.name(variable);
        if (has_stray_at(*dsn))
            throw configuration_error(
                origin, "has an '@' where a password may not end: write '@' in passwords and names as %40, '/' as %2F");
        try {
            options.connect = pg::connect_options::parse(*dsn, around);
            parts = connection_parts(options.connect, *dsn, around, origin);
        }
        catch (const std::invalid_argument& problem) {
            throw configuration_error(origin, problem.what());
        }
        break;
    }
    if (options.connect.hosts.empty())
        throw configuration_error(
            own.name("POSTGRES_DSN"), "is not set, nor is " + own.name("DATABASE_URL") + std::string(way_out));
    own.note(
        "POSTGRES_DSN", options.connect.describe() + ", password " + word_for_password(options.connect),
        origins_of(parts, std::move(origin)));
    for (auto& [name, value, its_origin] : parts)
        own.note("POSTGRES_DSN." + name, std::move(value), std::move(its_origin));
}

/// How a pool treats its connections.
void read_treatment(const reader& own, pool_options& pool)
{
    own.seconds("PG_POOL_TIMEOUT_SEC", pool.acquire_timeout, 0.001);
    own.number<std::size_t>("PG_POOL_MAX_CONNECTING", pool.maximum_connecting, 1, 1'000, "a whole number");
    own.seconds("PG_POOL_IDLE_CHECK_SEC", pool.idle_check_after, 0.0);
    own.seconds("PG_POOL_VALIDATION_TIMEOUT_SEC", pool.validation_timeout, 0.001);
    own.seconds("PG_POOL_KEEPALIVE_SEC", pool.keepalive_time, 0.0);
    own.seconds("PG_POOL_IDLE_TIMEOUT_SEC", pool.idle_timeout, 0.0);
    own.seconds("PG_POOL_MAX_LIFETIME_SEC", pool.max_lifetime, 0.0);
    own.seconds("PG_POOL_LEAK_DETECTION_SEC", pool.leak_detection, 0.0);
    own.flag("PG_POOL_SHARING", pool.sharing.enabled);
    own.number<std::size_t>("PG_POOL_SHARING_WINDOW", pool.sharing.window, 1, 10'000, "a whole number");
    own.milliseconds_of("PG_POOL_SHARING_PATIENCE_MS", pool.sharing.patience, 1);
}

void read_pool(const reader& own, pool_options& pool)
{
    own.number<std::size_t>("PG_POOL_MAX_SIZE", pool.maximum, 1, 10'000, "a whole number");
    own.number_below<std::size_t>(
        "PG_POOL_MIN_SIZE", pool.minimum, 0, 10'000, "a whole number", "PG_POOL_MAX_SIZE", pool.maximum);
    read_treatment(own, pool);
}

void read_retries(const reader& own, database_options& options)
{
    auto& outage = options.retries.outage;
    own.number("PG_RETRY_ATTEMPTS", outage.max_attempts, 1, 100, "a whole number");
    auto& [base, cap, jitter] = outage.backoff;
    own.milliseconds_of("PG_RETRY_CAP_MS", cap, 1);
    own.milliseconds_below("PG_RETRY_BASE_MS", base, 1, "PG_RETRY_CAP_MS", cap);
    own.number("PG_RETRY_BUDGET", options.retry_budget.share, 0.0, 1.0, "a share");
    own.number("PG_RETRY_CONFLICT_ATTEMPTS", options.retries.conflict.max_attempts, 1, 100, "a whole number");
}

void read_breaker(const reader& own, database_options& options)
{
    auto& breaker = options.breaker;
    own.flag("PG_BREAKER_ENABLED", options.breaker_enabled);
    own.number("PG_BREAKER_FAILURES", breaker.failure_threshold, 1U, 10'000U, "a whole number");
    own.seconds("PG_BREAKER_PROBE_SEC", breaker.background_probe, 0.001);
    breaker.background_probe_limit = std::max(breaker.background_probe_limit, breaker.background_probe);
    own.seconds(
        "PG_BREAKER_CALLER_PROBE_SEC", breaker.caller_probe,
        std::chrono::duration<double>(breaker.probe_timeout).count());
}

/// What is refused here would be refused when the database is made, by the names of members instead of variables.
void require_standbys_to_be_found(const reader& own, const database_options& options)
{
    using enum pg::target_session_attributes;
    if (!options.standbys.enabled)
        return;
    const auto variable = own.name("PG_STANDBY_READS");
    const auto target = options.connect.target_session;
    if (options.standbys.hosts.empty() && target != read_write && target != primary)
        throw configuration_error(
            variable, "is true; then " + own.name("POSTGRES_DSN") +
                          " has to name all servers, and target_session_attrs=read-write (or primary)");
    if (options.connect.prepared_statements != pg::prepared_statements::named)
        throw configuration_error(
            variable, "is true, but " + own.name("POSTGRES_DSN") +
                          " leads to a pooler (prepared_statements): standbys are read from without one");
}

void read_standbys(const reader& own, const reader& silent, database_options& options)
{
    auto& [enabled, hosts, pool, patience] = options.standbys;
    own.flag("PG_STANDBY_READS", enabled);
    own.number<std::size_t>("PG_STANDBY_POOL_MAX_SIZE", pool.maximum, 1, 10'000, "a whole number");
    own.milliseconds_of("PG_STANDBY_PATIENCE_MS", patience, 1);
    read_treatment(silent, pool);
    require_standbys_to_be_found(own, options);
}

void read_exhaustion(const reader& common, pool_options& pool)
{
    common.number("DB_POOL_EXHAUSTION_THRESHOLD", pool.exhaustion_threshold, 0.01, 1.0, "a share");
}

void read_slow_acquire(const reader& common, pool_options& pool)
{
    common.milliseconds_of("DB_SLOW_ACQUIRE_THRESHOLD_MS", pool.slow_acquire);
}

/// What counts for all databases.
void read_common(const reader& common, database_options& options)
{
    common.milliseconds_of("DB_SLOW_QUERY_THRESHOLD_MS", options.slow_query);
    read_exhaustion(common, options.pool);
    common.milliseconds_of("DB_LONG_TRANSACTION_THRESHOLD_MS", options.long_transaction);
    read_slow_acquire(common, options.pool);
    common.flag("DB_LOG_ARGUMENTS", options.log_arguments);
}

/// @param notes what is in force for this database alone; may be null.
database_options read_database(
    const environment& from, std::string name, std::string_view prefix, database_options options,
    std::vector<setting>* notes, std::string_view way_out = {})
{
    const reader own(from, prefix, notes);
    const reader common(from, "", nullptr);
    options.name = std::move(name);
    read_connection(own, from, options, way_out);
    read_pool(own, options.pool);
    own.seconds("PG_COMMAND_TIMEOUT_SEC", options.command_timeout, 0.0);
    own.seconds("PG_COMMIT_RESOLUTION_SEC", options.commit_resolution, 0.0);
    read_retries(own, options);
    read_breaker(own, options);
    read_standbys(own, reader(from, prefix, nullptr), options);
    read_common(common, options);
    read_exhaustion(common, options.standbys.pool);
    read_slow_acquire(common, options.standbys.pool);
    return options;
}

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
    return read_database(from, std::move(name), prefix, std::move(defaults), nullptr);
}

database_configuration read_configuration(const environment& from)
{
    database_configuration found;
    const reader common(from, "", &found.settings);
    found.main = read_database(from, "main", "", defaults_of(20, 100), &found.settings);
    bool vb = true;
    common.flag("ENABLE_VB_DATABASE", vb);
    if (vb)
        found.vb = read_database(
            from, "vb", "VB_", defaults_of(10, 50), &found.settings,
            "; ENABLE_VB_DATABASE=false does without this database");
    common.number<std::size_t>("DB_WORKERS", found.workers, 1, 1'000, "a whole number");
    database_options noted;
    read_common(common, noted);
    common.log_level("TRADECORE_LOG");
    return found;
}

} // namespace tradecore
