"""An application with flask-jwt-extended. It knows nothing of Gatehouse; the environment configures the library."""

import os

from flask import Flask, jsonify
from flask_jwt_extended import JWTManager, get_jwt, get_jwt_identity, jwt_required

app = Flask(__name__)
manager = JWTManager(app)
# The lines that the documentation adds to an application.
exec(os.environ.get("EXAMPLE", ""))
# Such as JWT_SECRET_KEY, JWT_ALGORITHM and JWT_PUBLIC_KEY.
app.config.update({name: value for name, value in os.environ.items() if name.startswith("JWT_")})


@app.get("/protected")
@jwt_required()
def protected():
    return jsonify(identity=get_jwt_identity(), roles=get_jwt()["roles"])


@app.get("/fresh")
@jwt_required(fresh=True)
def fresh():
    return jsonify(identity=get_jwt_identity())


@app.get("/refresh-only")
@jwt_required(refresh=True)
def refresh_only():
    return jsonify(identity=get_jwt_identity())
