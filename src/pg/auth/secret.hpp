// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/crypto.h>

#include <cstddef>
#include <string>
#include <utility>

namespace tradecore::pg::auth {

/// Overwrites bytes; the compiler cannot leave it out.
inline void forget(char* bytes, std::size_t size) noexcept
{
    OPENSSL_cleanse(bytes, size);
}

/// Overwrites a text and empties it.
inline void forget(std::string& text) noexcept
{
    forget(text.data(), text.size());
    text.clear();
}

/// A text that is overwritten when it is no longer needed.
class secret {
public:
    secret() = default;
    explicit secret(std::string text) noexcept : text_(std::move(text)) {}
    secret(const secret& other) = default;
    secret(secret&& other) noexcept { text_.swap(other.text_); }
    secret& operator=(const secret& other)
    {
        if (this != &other) {
            clear();
            text_ = other.text_;
        }
        return *this;
    }
    secret& operator=(secret&& other) noexcept
    {
        if (this != &other) {
            clear();
            text_.swap(other.text_);
        }
        return *this;
    }
    ~secret() { clear(); }

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
    void clear() noexcept { forget(text_); }

private:
    std::string text_;
};

} // namespace tradecore::pg::auth
