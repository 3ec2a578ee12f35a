"""The quiet defences of the public forms. Nobody is asked to solve a puzzle."""

import phonenumbers

COUNTRY = "US"  # how a number without a country code is read


def person(email: str, phone: str) -> str:
    """One spelling for however a person writes their address or, without one, their number.

    “+tags” and capitals make no other person of an address; spaces, brackets and an extension none
    of a number. Empty where both are.
    """
    if email:
        local, _, domain = email.lower().rpartition("@")
        return f"{local.partition('+')[0]}@{domain}"
    try:
        number = phonenumbers.parse(phone, COUNTRY)
    except phonenumbers.NumberParseException:
        return "".join(letter for letter in phone if letter.isdigit())
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
