"""The system's word on a password, by PAM: libpam through ctypes, one question and one answer."""

from __future__ import annotations

import ctypes
from typing import Any, Final

SERVICE: Final = "login"  # a person's; that of `su` would let root in without a password
SUCCESS: Final = 0
CONVERSATION_ERROR: Final = 19
PROMPT_ECHO_OFF: Final = 1
LIBRARY: Final = "libpam.so.0"


class _Message(ctypes.Structure):
    _fields_ = (("style", ctypes.c_int), ("text", ctypes.c_char_p))


class _Response(ctypes.Structure):
    _fields_ = (("text", ctypes.c_void_p), ("code", ctypes.c_int))


_ASK: Final = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_int,
    ctypes.POINTER(ctypes.POINTER(_Message)),
    ctypes.POINTER(ctypes.POINTER(_Response)),
    ctypes.c_void_p,
)


class _Conversation(ctypes.Structure):
    _fields_ = (("ask", _ASK), ("data", ctypes.c_void_p))


def accepts(user: str, password: str, service: str = SERVICE) -> bool:
    """True when the system lets this user in with this password. May take seconds; OSError without PAM."""
    pam, libc = ctypes.CDLL(LIBRARY), ctypes.CDLL(None)
    for allocate in (libc.calloc, libc.strdup):
        allocate.restype = ctypes.c_void_p
    libc.calloc.argtypes = (ctypes.c_size_t, ctypes.c_size_t)
    libc.strdup.argtypes = (ctypes.c_char_p,)

    def answer(count: int, messages: Any, responses: Any, _data: Any) -> int:
        # libpam frees both the array and each text.
        made = libc.calloc(count, ctypes.sizeof(_Response))
        if not made:
            return CONVERSATION_ERROR
        array = ctypes.cast(made, ctypes.POINTER(_Response))
        for index in range(count):
            if messages[index].contents.style == PROMPT_ECHO_OFF:
                array[index].text = libc.strdup(password.encode())
        responses[0] = array
        return SUCCESS

    conversation = _Conversation(_ASK(answer), None)
    handle = ctypes.c_void_p()
    pam.pam_start.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p)
    for function in (pam.pam_authenticate, pam.pam_acct_mgmt, pam.pam_end):
        function.argtypes = (ctypes.c_void_p, ctypes.c_int)
    status = pam.pam_start(service.encode(), user.encode(), ctypes.byref(conversation), ctypes.byref(handle))
    if status != SUCCESS:
        return False
    status = pam.pam_authenticate(handle, 0)
    if status == SUCCESS:
        status = pam.pam_acct_mgmt(handle, 0)
    pam.pam_end(handle, status)
    return bool(status == SUCCESS)
