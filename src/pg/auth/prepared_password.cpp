// SPDX-License-Identifier: Apache-2.0
#include "pg/auth/prepared_password.hpp"

#include "pg/auth/secret.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stringprep.h>
#include <vector>

namespace tradecore::pg::auth {

namespace {

struct free_secret {
    void operator()(char* text) const noexcept
    {
        forget(text, std::strlen(text));
        std::free(text); // NOLINT(cppcoreguidelines-no-malloc): libidn's
    }
};

// SASLprep but for its normalization. The server looks for what is forbidden before it normalizes, where RFC 3454 has
// it the other way round: the alef of mathematics, which turns into a Hebrew letter, is none yet.
const Stringprep_profile* steps_before_normalization()
{
    static const auto steps = [] {
        std::vector<Stringprep_profile> kept;
        for (const auto* step = stringprep_saslprep; step->operation != 0; ++step) {
            if (step->operation != STRINGPREP_NFKC)
                kept.push_back(*step);
        }
        kept.emplace_back();
        return kept;
    }();
    return steps.data();
}

} // namespace

std::string prepared_password(std::string_view password)
{
    // Neither the server nor libpq looks at control characters in a text of ASCII alone.
    const bool ascii = std::ranges::all_of(password, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    std::string given(password);
    if (ascii || given.find('\0') != std::string::npos)
        return given;
    std::string mapped = given; // which makes nothing longer
    const int problem =
        ::stringprep(mapped.data(), mapped.size() + 1, STRINGPREP_NO_UNASSIGNED, steps_before_normalization());
    const bool usable = problem == STRINGPREP_OK && mapped.front() != '\0';
    const std::unique_ptr<char, free_secret> prepared(
        usable ? ::stringprep_utf8_nfkc_normalize(mapped.c_str(), -1) : nullptr);
    forget(mapped);
    return prepared ? prepared.get() : given;
}

} // namespace tradecore::pg::auth
