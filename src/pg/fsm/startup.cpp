// SPDX-License-Identifier: Apache-2.0
#include "pg/fsm/startup.hpp"

#include "pg/protocol/frontend.hpp"
#include "pg/protocol/payload_reader.hpp"

#include <utility>
#include <vector>

namespace tradecore::pg::fsm {

namespace {

constexpr std::string_view scram_sha_256 = "SCRAM-SHA-256";

std::string_view name_of(protocol::authentication method)
{
    using enum protocol::authentication;
    switch (method) {
    case kerberos_v5:
        return "Kerberos V5";
    case cleartext_password:
        return "a cleartext password";
    case md5_password:
        return "an MD5 password";
    case gss:
    case gss_continue:
        return "GSSAPI";
    case sspi:
        return "SSPI";
    default:
        return "an unknown method";
    }
}

} // namespace

startup::startup(const connect_options& options, std::string nonce) : options_(options), nonce_(std::move(nonce)) {}

void startup::begin(std::string& out) const
{
    std::vector<std::pair<std::string, std::string>> settings{
        {"user", options_.user},
        {"database", options_.database.empty() ? options_.user : options_.database},
        {"application_name", options_.application_name},
        {"client_encoding", "UTF8"},
        // The text forms that reading relies on, whatever the server's configuration says.
        {"DateStyle", "ISO"},
        {"IntervalStyle", "iso_8601"},
        {"extra_float_digits", "3"},
        {"bytea_output", "hex"},
    };
    if (options_.statement_timeout.count() > 0)
        settings.emplace_back("statement_timeout", std::to_string(options_.statement_timeout.count()));
    for (const auto& setting : options_.settings)
        settings.emplace_back(setting);
    protocol::write_startup(out, settings);
}

step startup::on_message(const protocol::message& incoming)
{
    switch (incoming.type) {
    case protocol::backend::authentication: {
        const auto request = protocol::read_authentication(incoming.payload);
        if (!request)
            return step::violation("malformed Authentication message");
        return on_authentication(*request);
    }
    case protocol::backend::error_response: {
        refusal_ = protocol::read_diagnostics(incoming.payload);
        return refusal_ ? step::done() : step::violation("malformed ErrorResponse");
    }
    case protocol::backend::backend_key_data: {
        const auto key = protocol::read_backend_key(incoming.payload);
        if (state_ != state::authenticated || !key)
            return step::violation("unexpected or malformed BackendKeyData");
        key_ = *key;
        return step::read();
    }
    case protocol::backend::ready_for_query:
        // Believed only after authentication, or SCRAM's proof of the server could be skipped.
        if (state_ != state::authenticated)
            return step::violation("ReadyForQuery before authentication");
        return step::done();
    case protocol::backend::negotiate_protocol_version:
        return step::read();
    default:
        return step::violation("unexpected message during start-up");
    }
}

step startup::on_authentication(const protocol::authentication_request& request)
{
    using enum protocol::authentication;
    switch (request.method) {
    case ok:
        if (state_ != state::start && state_ != state::scram_verified)
            return step::violation("authentication ended before the server proved that it knows the password");
        state_ = state::authenticated;
        return step::read();
    case sasl:
        if (state_ != state::start)
            return step::violation("authentication started twice");
        return begin_scram(request.data);
    case sasl_continue: {
        if (state_ != state::scram_first)
            return step::violation("unexpected SASL continuation");
        const auto reply = scram_->client_final(request.data);
        if (!reply)
            return step::violation("malformed or unacceptable SCRAM challenge");
        state_ = state::scram_final;
        std::string bytes;
        protocol::write_sasl_response(bytes, *reply);
        return step::send(std::move(bytes));
    }
    case sasl_final:
        if (state_ != state::scram_final)
            return step::violation("unexpected end of SASL");
        if (!scram_->verify(request.data))
            return step::violation("the server does not know the password it checks");
        state_ = state::scram_verified;
        return step::read();
    default:
        return step::violation(
            "the server asks for " + std::string(name_of(request.method)) +
            ", which is not supported; use scram-sha-256, peer or trust");
    }
}

step startup::begin_scram(std::string_view mechanisms)
{
    protocol::payload_reader in(mechanisms);
    bool offered = false;
    for (auto name = in.c_string(); in.ok() && !name.empty(); name = in.c_string())
        offered |= name == scram_sha_256;
    if (!in.ok())
        return step::violation("malformed list of SASL mechanisms");
    if (!offered)
        return step::violation("the server offers no SASL mechanism that is supported (SCRAM-SHA-256)");
    if (options_.password.empty())
        return step::violation("the server asks for a password and none is given");
    scram_ = std::make_unique<scram_client>("", options_.password, nonce_);
    state_ = state::scram_first;
    std::string bytes;
    protocol::write_sasl_initial_response(bytes, scram_sha_256, scram_->client_first());
    return step::send(std::move(bytes));
}

} // namespace tradecore::pg::fsm
