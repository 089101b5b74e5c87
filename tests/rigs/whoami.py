"""Shows what Streamlit tells a page of who is looking, with a button each to come and go."""

import json
import time

import streamlit as st

told = {
    "user": st.user.to_dict(),
    "headers": st.context.headers.to_dict(),
    "peer": st.context.ip_address,
    "url": st.context.url,
}
st.container(key="told").code(json.dumps(told, sort_keys=True, default=str), language=None)


@st.fragment(run_every=0.2)
def over() -> None:
    st.write("Token is over" if told["user"].get("exp", time.time() + 1) < time.time() else "Fresh")


over()
if st.button("Log in"):
    st.login()
if st.button("Log out"):
    st.logout()
