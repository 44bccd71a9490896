"""An application with flask-praetorian. It knows nothing of Gatehouse; the environment has its secret. Its own table
has the user `zoe` with the key 7."""

import os

from flask import Flask, jsonify
from flask_praetorian import Praetorian, auth_required, current_user, roles_required


class User:
    """The table of users, as flask-praetorian wants it."""

    def __init__(self, identity, username):
        self.identity = identity
        self.username = username
        self.rolenames = []
        self.password = ""

    @classmethod
    def lookup(cls, username):
        return next((user for user in USERS.values() if user.username == username), None)

    @classmethod
    def identify(cls, identity):
        return USERS.get(identity)


USERS = {7: User(7, "zoe")}
app = Flask(__name__)
app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]
guard = Praetorian(app, User)


@app.get("/protected")
@auth_required
def protected():
    return jsonify(username=current_user().username)


@app.get("/staff")
@roles_required("staff")
def staff():
    return jsonify(username=current_user().username)


@app.get("/refresh")
def refresh():
    return jsonify(access_token=guard.refresh_jwt_token(guard.read_token_from_header()))
