// SPDX-License-Identifier: Apache-2.0
#include "pg/fsm/startup.hpp"

#include "pg/auth/md5_response.hpp"
#include "pg/auth/prepared_password.hpp"
#include "pg/fsm/startup_settings.hpp"
#include "pg/protocol/frontend.hpp"
#include "pg/protocol/payload_reader.hpp"

#include <utility>

namespace tradecore::pg::fsm {

namespace {

constexpr std::string_view scram_sha_256 = "SCRAM-SHA-256";
constexpr std::string_view scram_sha_256_plus = "SCRAM-SHA-256-PLUS";
constexpr std::size_t md5_salt_bytes = 4;

struct asked_method {
    std::string_view name;
    std::optional<authentication_method> method; // as the options name it; none for what has no name there
};

asked_method asked_for(protocol::authentication method)
{
    using enum protocol::authentication;
    switch (method) {
    case cleartext_password:
        return {"a password in clear text", authentication_method::password};
    case md5_password:
        return {"an MD5 password", authentication_method::md5};
    case sasl:
        return {"SASL", authentication_method::scram_sha_256};
    case gss:
    case gss_continue:
        return {"GSSAPI", authentication_method::gss};
    case sspi:
        return {"SSPI", authentication_method::sspi};
    case kerberos_v5:
        return {"Kerberos V5", std::nullopt};
    default:
        return {"an unknown method", std::nullopt};
    }
}

} // namespace

startup::startup(const connect_options& options, login as)
    : user_(options.user), required_(options.require_authentication), binding_(options.channel_binding),
      iterations_limit_(options.max_scram_iterations), cleartext_allowed_(options.allow_cleartext_password),
      login_(std::move(as))
{
    protocol::write_startup(first_message_, startup_settings(options));
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
        return on_accepted();
    case sasl_continue:
        return continue_scram(request.data);
    case sasl_final:
        return end_scram(request.data);
    default:
        break;
    }
    if (state_ != state::start)
        return step::violation("authentication started twice");
    const auto asked = asked_for(request.method);
    const std::string wish = "the server asks for " + std::string(asked.name);
    if (asked.method && !required_.allows(*asked.method))
        return refuse_method(wish + ", which require_auth=" + required_.text() + " does not allow");
    if (binding_ == channel_binding_mode::require && request.method != sasl)
        return refuse_method(wish + ", but channel_binding=require needs SCRAM over TLS");
    switch (request.method) {
    case cleartext_password:
        return send_cleartext();
    case md5_password:
        return send_md5(request.data);
    case sasl:
        return begin_scram(request.data);
    default:
        return refuse_method(wish + ", which is not supported");
    }
}

step startup::on_accepted()
{
    if (state_ != state::start && state_ != state::password_sent && state_ != state::scram_verified)
        return step::violation("authentication ended before the server proved that it knows the password");
    if (state_ == state::start && !required_.allows(authentication_method::none))
        return refuse_method(
            "the server did not ask who we are, which require_auth=" + required_.text() + " does not allow");
    if (binding_ == channel_binding_mode::require && !bound_)
        return refuse_method("the server let us in without channel binding, but channel_binding=require");
    state_ = state::authenticated;
    login_.password.clear();
    return step::read();
}

step startup::send_cleartext()
{
    if (!login_.encrypted && !login_.local && !cleartext_allowed_)
        return refuse_method(
            "the server asks for the password in clear text and the connection is not encrypted; use TLS, "
            "scram-sha-256, or allow_cleartext_password");
    if (password_missing())
        return step::done();
    state_ = state::password_sent;
    std::string bytes;
    protocol::write_password(bytes, login_.password.text());
    login_.password.clear();
    return step::send(std::move(bytes));
}

step startup::send_md5(std::string_view salt)
{
    if (salt.size() != md5_salt_bytes)
        return step::violation("a salt for an MD5 password that has not four bytes");
    if (password_missing())
        return step::done();
    const auto response = auth::md5_response(user_, login_.password.text(), salt);
    login_.password.clear();
    if (!response)
        return refuse_method("the server asks for an MD5 password, and OpenSSL has no MD5 here");
    state_ = state::password_sent;
    std::string bytes;
    protocol::write_password(bytes, *response);
    return step::send(std::move(bytes));
}

step startup::begin_scram(std::string_view mechanisms)
{
    protocol::payload_reader in(mechanisms);
    bool plain = false;
    bool plus = false;
    for (auto name = in.c_string(); in.ok() && !name.empty(); name = in.c_string()) {
        plain |= name == scram_sha_256;
        plus |= name == scram_sha_256_plus;
    }
    if (!in.ok())
        return step::violation("malformed list of SASL mechanisms");
    // Only a server behind TLS can offer it: somebody unwrapped its messages on the way.
    if (plus && !login_.encrypted)
        return refuse_method("the server offers SCRAM-SHA-256-PLUS over a connection that is not encrypted");
    const bool can_bind = !login_.end_point.empty() && binding_ != channel_binding_mode::disable;
    const bool binds = plus && can_bind;
    if (!binds && binding_ == channel_binding_mode::require) {
        if (!login_.encrypted)
            return refuse_method("channel_binding=require, and the connection is not encrypted");
        return refuse_method(
            plus ? "channel_binding=require, and the server's certificate allows none"
                 : "channel_binding=require, and the server does not offer SCRAM-SHA-256-PLUS");
    }
    if (!binds && !plain)
        return refuse_method("the server offers no SASL mechanism that is supported (SCRAM-SHA-256)");
    if (password_missing())
        return step::done();

    scram_binding binding;
    if (binds)
        binding = {scram_binding::flag::used, login_.end_point};
    else if (can_bind)
        binding.what = scram_binding::flag::not_offered;
    bound_ = binds;
    scram_ = std::make_unique<scram_client>(
        "", auth::prepared_password(login_.password.text()), login_.nonce, std::move(binding), iterations_limit_);
    login_.password.clear();
    state_ = state::scram_first;
    std::string bytes;
    protocol::write_sasl_initial_response(bytes, binds ? scram_sha_256_plus : scram_sha_256, scram_->client_first());
    return step::send(std::move(bytes));
}

step startup::continue_scram(std::string_view challenge)
{
    if (state_ != state::scram_first)
        return step::violation("unexpected SASL continuation");
    const auto reply = scram_->client_final(challenge);
    if (!reply)
        return refuse_method(scram_->problem());
    state_ = state::scram_final;
    std::string bytes;
    protocol::write_sasl_response(bytes, *reply);
    return step::send(std::move(bytes));
}

step startup::end_scram(std::string_view proof)
{
    if (state_ != state::scram_final)
        return step::violation("unexpected end of SASL");
    if (!scram_->verify(proof))
        return refuse_method(scram_->problem());
    state_ = state::scram_verified;
    return step::read();
}

bool startup::password_missing()
{
    if (login_.password.text().find('\0') != std::string::npos)
        object(client_errc::authentication_failed, "the password contains a NUL character");
    else if (login_.password.empty())
        object(
            client_errc::authentication_failed,
            "the server asks for a password and none is given" +
                (login_.password_note.empty() ? std::string() : " (" + login_.password_note + ")"));
    return objection_.has_value();
}

step startup::object(client_errc code, std::string text)
{
    objection_ = objection{code, std::move(text)};
    return step::done();
}

} // namespace tradecore::pg::fsm
