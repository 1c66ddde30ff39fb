// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/keywords.hpp"

#include "pg/conninfo/readers.hpp"
#include "pg/conninfo/values.hpp"

#include <algorithm>
#include <limits>

namespace tradecore::pg::conninfo {

namespace {

using text = std::string;

template <auto member>
void copy(draft& to, const text& value)
{
    to.options.*member = value;
}

template <auto member>
void copy_tls(draft& to, const text& value)
{
    to.options.tls.*member = value;
}

// For what has no meaning without GSSAPI, which is never used here: a server that insists on it is refused by name.
void ignore(draft& /*to*/, const text& /*value*/) {}

void connect_timeout(draft& to, const text& value)
{
    // libpq waits for ever when it reads 0 or less; here the default stays, for nothing may wait without a limit.
    if (const int seconds = read_integer(value); seconds > 0)
        to.options.connect_timeout = std::chrono::seconds(seconds);
}

void client_encoding(draft& /*to*/, const text& value)
{
    text plain;
    std::copy_if(value.begin(), value.end(), std::back_inserter(plain), [](char c) { return c != '-' && c != '_'; });
    // libpq takes "auto" from the locale; the strings of this library are UTF-8 in any.
    for (const auto* const known : {"", "auto", "utf8", "unicode"}) {
        if (same_ignoring_case(plain, known))
            return;
    }
    throw bad_value("must be UTF8: text is UTF-8 on both sides of this library");
}

void ssl_mode_of(draft& to, const text& value)
{
    to.ssl_mode_given = true;
    to.options.tls.mode = read_choice<ssl_mode>(
        value, {{"disable", ssl_mode::disable},
                {"allow", ssl_mode::allow},
                {"prefer", ssl_mode::prefer},
                {"require", ssl_mode::require},
                {"verify-ca", ssl_mode::verify_ca},
                {"verify-full", ssl_mode::verify_full}});
}

void ssl_key(draft& to, const text& value)
{
    // libpq takes "engine:key" for a key in one of OpenSSL's engines.
    if (const auto colon = value.find(':'); colon != text::npos && value.find('/') > colon)
        throw bad_value("must be a file: keys of OpenSSL engines are not supported");
    to.options.tls.key = value;
}

std::optional<tls_version> version_of(const text& value)
{
    static constexpr std::pair<std::string_view, tls_version> versions[]{
        {"TLSv1", tls_version::tls_1_0},
        {"TLSv1.1", tls_version::tls_1_1},
        {"TLSv1.2", tls_version::tls_1_2},
        {"TLSv1.3", tls_version::tls_1_3}};
    if (value.empty())
        return std::nullopt;
    for (const auto& [name, version] : versions) {
        if (same_ignoring_case(name, value))
            return version;
    }
    return read_choice(value, versions);
}

void gss_encryption(draft& /*to*/, const text& value)
{
    if (value == "require")
        throw bad_value("must be disable or prefer: GSSAPI is not supported");
    (void)read_choice<bool>(value, {{"disable", false}, {"prefer", true}});
}

void replication(draft& /*to*/, const text& value)
{
    for (const auto* const no : {"", "0", "off", "no", "false"}) {
        if (same_ignoring_case(value, no))
            return;
    }
    throw bad_value("is not supported: connections here speak SQL, not the replication protocol");
}

void target_session(draft& to, const text& value)
{
    using enum target_session_attributes;
    to.options.target_session = read_choice<target_session_attributes>(
        value, {{"any", any},
                {"read-write", read_write},
                {"read-only", read_only},
                {"primary", primary},
                {"standby", standby},
                {"prefer-standby", prefer_standby}});
}

template <class Duration>
Duration never_negative(const text& value)
{
    return Duration(std::max(read_integer(value), 0));
}

constexpr keyword all[] = {
    // Read before all others.
    {"service", "PGSERVICE", ignore},

    {"host", "PGHOST", [](draft& to, const text& value) { to.hosts = value; }},
    {"hostaddr", "PGHOSTADDR", [](draft& to, const text& value) { to.addresses = value; }},
    {"port", "PGPORT", [](draft& to, const text& value) { to.ports = value; }},
    {"target_session_attrs", "PGTARGETSESSIONATTRS", target_session},
    {"load_balance_hosts", "PGLOADBALANCEHOSTS",
     [](draft& to, const text& value) {
         to.options.load_balancing =
             read_choice<load_balance>(value, {{"disable", load_balance::disable}, {"random", load_balance::random}});
     }},

    {"user", "PGUSER", copy<&connect_options::user>},
    {"dbname", "PGDATABASE", copy<&connect_options::database>},
    {"password", "PGPASSWORD", copy<&connect_options::password>},
    {"passfile", "PGPASSFILE", copy<&connect_options::passfile>},
    {"require_auth", "PGREQUIREAUTH",
     [](draft& to, const text& value) { to.options.require_authentication = required_authentication::parse(value); }},
    {"channel_binding", "PGCHANNELBINDING",
     [](draft& to, const text& value) {
         using enum channel_binding_mode;
         to.options.channel_binding =
             read_choice<channel_binding_mode>(value, {{"disable", disable}, {"prefer", prefer}, {"require", require}});
     }},
    {"allow_cleartext_password", "",
     [](draft& to, const text& value) { to.options.allow_cleartext_password = read_flag(value); }},
    {"max_scram_iterations", "",
     [](draft& to, const text& value) {
         to.options.max_scram_iterations =
             static_cast<std::uint32_t>(read_integer(value, 4'096, std::numeric_limits<int>::max()));
     }},
    {"requirepeer", "PGREQUIREPEER", copy<&connect_options::require_peer>},

    {"sslmode", "PGSSLMODE", ssl_mode_of},
    {"sslnegotiation", "PGSSLNEGOTIATION",
     [](draft& to, const text& value) {
         to.options.tls.negotiation = read_choice<ssl_negotiation>(
             value, {{"postgres", ssl_negotiation::postgres}, {"direct", ssl_negotiation::direct}});
     }},
    {"sslcert", "PGSSLCERT", copy_tls<&tls_options::certificate>},
    {"sslkey", "PGSSLKEY", ssl_key},
    {"sslpassword", "", copy_tls<&tls_options::key_password>},
    {"sslcertmode", "PGSSLCERTMODE",
     [](draft& to, const text& value) {
         using enum client_certificate;
         to.options.tls.certificate_mode =
             read_choice<client_certificate>(value, {{"disable", disable}, {"allow", allow}, {"require", require}});
     }},
    {"sslrootcert", "PGSSLROOTCERT", copy_tls<&tls_options::root_certificate>},
    {"sslcrl", "PGSSLCRL", copy_tls<&tls_options::crl>},
    {"sslcrldir", "PGSSLCRLDIR", copy_tls<&tls_options::crl_directory>},
    {"sslsni", "PGSSLSNI", [](draft& to, const text& value) { to.options.tls.sni = read_flag(value); }},
    {"ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION",
     [](draft& to, const text& value) {
         to.options.tls.minimum_version = version_of(value).value_or(tls_options{}.minimum_version);
     }},
    {"ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION",
     [](draft& to, const text& value) { to.options.tls.maximum_version = version_of(value); }},
    // 1 only allows compression where both sides can; servers cannot since version 14, and it gives secrets away.
    {"sslcompression", "PGSSLCOMPRESSION", ignore},

    {"gssencmode", "PGGSSENCMODE", gss_encryption},
    {"krbsrvname", "PGKRBSRVNAME", ignore},
    {"gsslib", "PGGSSLIB", ignore},
    {"gssdelegation", "PGGSSDELEGATION", ignore},
    {"replication", "", replication},

    {"keepalives", "", [](draft& to, const text& value) { to.options.tcp.keepalive = read_integer(value) != 0; }},
    {"keepalives_idle", "",
     [](draft& to, const text& value) { to.options.tcp.keepalive_idle = never_negative<std::chrono::seconds>(value); }},
    {"keepalives_interval", "",
     [](draft& to, const text& value) {
         to.options.tcp.keepalive_interval = never_negative<std::chrono::seconds>(value);
     }},
    {"keepalives_count", "",
     [](draft& to, const text& value) { to.options.tcp.keepalive_count = never_negative<int>(value); }},
    {"tcp_user_timeout", "",
     [](draft& to, const text& value) {
         to.options.tcp.user_timeout = never_negative<std::chrono::milliseconds>(value);
     }},
    {"connect_timeout", "PGCONNECT_TIMEOUT", connect_timeout},
    {"cancel_timeout", "",
     [](draft& to, const text& value) {
         to.options.cancel_timeout = read_duration(value);
         if (to.options.cancel_timeout.count() == 0)
             throw bad_value("must be above 0");
     }},

    {"application_name", "PGAPPNAME", copy<&connect_options::application_name>},
    {"fallback_application_name", "", [](draft& to, const text& value) { to.fallback_application_name = value; }},
    {"client_encoding", "PGCLIENTENCODING", client_encoding},
    {"options", "PGOPTIONS", copy<&connect_options::options>},
    {"search_path", "", [](draft& to, const text& value) { to.options.settings["search_path"] = value; }},
    {"statement_timeout", "",
     [](draft& to, const text& value) { to.options.statement_timeout = read_duration(value); }},
    {"prepared_statements", "",
     [](draft& to, const text& value) {
         to.options.prepared_statements = read_choice<prepared_statements>(
             value, {{"named", prepared_statements::named}, {"unnamed", prepared_statements::unnamed}});
     }},
    {"statement_cache_size", "",
     [](draft& to, const text& value) {
         to.options.statement_cache_size = static_cast<std::size_t>(read_integer(value, 0, 100'000));
     }},
    {"statement_cache_bytes", "",
     [](draft& to, const text& value) { to.options.statement_cache_bytes = read_size(value); }},
};

} // namespace

std::span<const keyword> keywords() noexcept
{
    return all;
}

const keyword* find_keyword(std::string_view name) noexcept
{
    const auto* const found = std::ranges::find(all, name, &keyword::name);
    return found == std::end(all) ? nullptr : found;
}

std::string name_unknown(std::string_view keyword)
{
    constexpr std::string_view usual = "abcdefghijklmnopqrstuvwxyz_";
    if (keyword.empty() || keyword.size() > 40 || keyword.find_first_not_of(usual) != std::string_view::npos)
        return "a keyword";
    return "keyword \"" + std::string(keyword) + "\"";
}

bool store(values& to, std::string_view keyword, std::string text)
{
    if (keyword == "requiressl") {
        keyword = "sslmode";
        text = text.starts_with('1') ? "require" : "prefer";
    }
    if (find_keyword(keyword) == nullptr)
        return false;
    to.insert_or_assign(std::string(keyword), value{std::move(text), std::string(connection_string)});
    return true;
}

} // namespace tradecore::pg::conninfo
