"use strict";
// Draws boxes, cylinders, capsules, balls and a table with WebGL 2, without any library. Matrices are columns first;
// quaternions are w x y z; z is up. `Scene` knows nothing about episodes: it is told where the bodies are.

const SUN = [-0.42, 0.36, -0.83]; // direction in which the light travels
const SHADOW = [0, 0, 0, 0.24];

const VERTEX = `#version 300 es
in vec3 at; in vec3 normal;
uniform mat4 view, model; uniform vec3 size;
out vec3 out_normal, out_at;
void main() {
  vec4 world = model * vec4(at * size, 1.0);
  out_at = world.xyz;
  out_normal = mat3(model) * (normal / size);
  gl_Position = view * world;
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec3 out_normal, out_at;
uniform vec4 color; uniform vec3 sun, eye; uniform float flat_color, squares;
out vec4 pixel;
void main() {
  vec3 n = normalize(out_normal), away = normalize(eye - out_at);
  float lit = max(dot(n, -sun), 0.0), sky = 0.5 + 0.5 * n.z;
  float shine = pow(max(dot(n, normalize(away - sun)), 0.0), 40.0);
  vec3 shade = color.rgb * (0.36 + 0.3 * sky + 0.55 * lit) + 0.12 * shine;
  if (squares > 0.0) {
    vec2 place = floor(out_at.xy / squares + 1e-4);
    shade = color.rgb * (mod(place.x + place.y, 2.0) < 0.5 ? 1.0 : 0.94);
  }
  pixel = vec4(mix(shade, color.rgb, flat_color), color.a);
}`;

function multiply(a, b) {
  const product = new Float32Array(16);
  for (let column = 0; column < 4; column++)
    for (let row = 0; row < 4; row++)
      for (let k = 0; k < 4; k++) product[4 * column + row] += a[4 * k + row] * b[4 * column + k];
  return product;
}

function pose(at, quat) {
  const [w, x, y, z] = quat;
  return new Float32Array([
    1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y), 0,
    2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x), 0,
    2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y), 0,
    at[0], at[1], at[2], 1,
  ]);
}

function moved(matrix, at) {
  return [0, 1, 2].map((row) => matrix[row] * at[0] + matrix[4 + row] * at[1] + matrix[8 + row] * at[2] + matrix[12 + row]);
}

// Flattens everything onto the height z along the light.
function flattened(z) {
  const [x, y, down] = SUN;
  return new Float32Array([1, 0, 0, 0, 0, 1, 0, 0, -x / down, -y / down, 0, 0, (x / down) * z, (y / down) * z, z, 1]);
}

const minus = (a, b) => a.map((value, i) => value - b[i]);
const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const unit = (a) => a.map((value) => value / Math.hypot(...a));

// Triangles of unit shapes: for every corner its place and its normal.
function boxMesh() {
  const corners = [];
  for (let axis = 0; axis < 3; axis++)
    for (const side of [-1, 1])
      for (const [u, v] of [[-1, -1], [1, -1], [1, 1], [-1, -1], [1, 1], [-1, 1]]) {
        const at = [0, 0, 0], normal = [0, 0, 0];
        at[axis] = normal[axis] = side;
        at[(axis + 1) % 3] = u * side;
        at[(axis + 2) % 3] = v;
        corners.push(...at, ...normal);
      }
  return corners;
}

// A surface of revolution about z: `profile` has pairs of [radius, z] and their normals [outwards, up].
function turnedMesh(profile, around) {
  const corners = [];
  const corner = (index, step) => {
    const [r, z, out, up] = profile[index], angle = (2 * Math.PI * step) / around;
    return [r * Math.cos(angle), r * Math.sin(angle), z, out * Math.cos(angle), out * Math.sin(angle), up];
  };
  for (let index = 0; index + 1 < profile.length; index++)
    for (let step = 0; step < around; step++) {
      const [a, b] = [corner(index, step), corner(index, step + 1)];
      const [c, d] = [corner(index + 1, step), corner(index + 1, step + 1)];
      corners.push(...a, ...c, ...b, ...b, ...c, ...d);
    }
  return corners;
}

function ballMesh() {
  const profile = [];
  for (let ring = 0; ring <= 12; ring++) {
    const tilt = (Math.PI * ring) / 12;
    profile.push([Math.sin(tilt), Math.cos(tilt), Math.sin(tilt), Math.cos(tilt)]);
  }
  return turnedMesh(profile, 24);
}

const MESHES = {
  box: boxMesh(),
  cylinder: turnedMesh([[0, 1, 0, 1], [1, 1, 0, 1], [1, 1, 1, 0], [1, -1, 1, 0], [1, -1, 0, -1], [0, -1, 0, -1]], 32),
  ball: ballMesh(),
  plane: [-1, -1, 1, -1, 1, 1, -1, -1, 1, 1, -1, 1].reduce(
    (corners, value, i, all) => (i % 2 ? [...corners, all[i - 1], value, 0, 0, 0, 1] : corners), []),
};

// What a shape of the data is drawn with: [mesh, size, shift along its z].
function pieces(shape) {
  const [a, b, c] = shape.size;
  switch (shape.kind) {
    case "box": return [["box", [a, b, c], 0]];
    case "plane": return [["plane", [a || 2, b || 2, 1], 0]];
    case "sphere": return [["ball", [a, a, a], 0]];
    case "ellipsoid": return [["ball", [a, b, c], 0]];
    case "cylinder": return [["cylinder", [a, a, b], 0]];
    default: return [["cylinder", [a, a, b], 0], ["ball", [a, a, a], b], ["ball", [a, a, a], -b]]; // capsule
  }
}

class Camera {
  constructor(home) {
    this.home = home;
    this.reset();
  }
  reset() {
    Object.assign(this, { ...this.home, target: [...this.home.target] });
  }
  get eye() {
    const flat = this.far * Math.cos(this.tilt);
    const offset = [flat * Math.cos(this.turn), flat * Math.sin(this.turn), this.far * Math.sin(this.tilt)];
    return this.target.map((value, i) => value + offset[i]);
  }
  orbit(dx, dy) {
    this.turn -= dx;
    this.tilt = Math.min(Math.max(this.tilt + dy, -0.2), 1.55);
  }
  zoom(factor) {
    this.far = Math.min(Math.max(this.far * factor, 0.15), 5);
  }
  pan(dx, dy) {
    const { right, up } = this.axes();
    this.target = this.target.map((value, i) => value + this.far * (dy * up[i] - dx * right[i]));
  }
  axes() {
    const back = unit(minus(this.eye, this.target)), right = unit(cross([0, 0, 1], back));
    return { right, up: cross(back, right), back };
  }
  matrix(aspect) {
    const { right, up, back } = this.axes(), eye = this.eye, near = 0.02, far = 20;
    const half = Math.tan(0.33) * Math.max(1, 1 / aspect); // a tall screen must see as much to the sides
    const look = new Float32Array([
      right[0], up[0], back[0], 0, right[1], up[1], back[1], 0, right[2], up[2], back[2], 0,
      -dot(right, eye), -dot(up, eye), -dot(back, eye), 1,
    ]);
    const lens = new Float32Array(16);
    lens[0] = 1 / (half * aspect);
    lens[5] = 1 / half;
    lens[10] = (far + near) / (near - far);
    lens[11] = -1;
    lens[14] = (2 * far * near) / (near - far);
    return multiply(lens, look);
  }
}

class Scene {
  constructor(canvas, shapes, camera) {
    this.canvas = canvas;
    this.camera = camera;
    const gl = (this.gl = canvas.getContext("webgl2", { antialias: true, stencil: true, alpha: false }));
    if (!gl) throw new Error("This browser has no WebGL 2.");
    this.build();
    this.shapes = shapes.map((shape) => ({ ...shape, own: pose(shape.pos, shape.quat), pieces: pieces(shape) }));
  }
  // grown: how large shapes are against their size in the data, by their number.
  resize(grown) {
    for (const [number, shape] of this.shapes.entries()) {
      const size = shape.size.map((value) => value * (grown[number] ?? 1));
      shape.pieces = pieces({ ...shape, size });
    }
  }
  build() {
    const gl = this.gl, program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.bindAttribLocation(program, 0, "at");
    gl.bindAttribLocation(program, 1, "normal");
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) || "no shader");
    gl.useProgram(program);
    this.names = {};
    for (const name of ["view", "model", "size", "color", "sun", "eye", "flat_color", "squares"])
      this.names[name] = gl.getUniformLocation(program, name);
    this.meshes = {};
    for (const [name, corners] of Object.entries(MESHES)) this.meshes[name] = this.upload(corners);
    this.line = this.upload([]);
  }
  upload(corners) {
    const gl = this.gl, mesh = { array: gl.createVertexArray(), buffer: gl.createBuffer(), count: corners.length / 6 };
    gl.bindVertexArray(mesh.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, mesh.buffer);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(corners), gl.STATIC_DRAW);
    for (const [place, offset] of [[0, 0], [1, 12]]) {
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, 3, gl.FLOAT, false, 24, offset);
    }
    return mesh;
  }
  // The points of the path; drawn up to the count that `draw` is given.
  setPath(points) {
    const gl = this.gl;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.line.buffer);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(points.flatMap((at) => [...at, 0, 0, 1])), gl.STATIC_DRAW);
  }
  mesh(name, model, size, color, flat = 0, squares = 0) {
    const gl = this.gl, names = this.names, mesh = this.meshes[name];
    gl.bindVertexArray(mesh.array);
    gl.uniformMatrix4fv(names.model, false, model);
    gl.uniform3fv(names.size, size);
    gl.uniform4fv(names.color, color);
    gl.uniform1f(names.flat_color, flat);
    gl.uniform1f(names.squares, squares);
    gl.drawArrays(gl.TRIANGLES, 0, mesh.count);
  }
  // bodies: a matrix for each body; balls: {at, radius, color}; pathCount: points of the path to draw; dim: of tables.
  draw({ bodies, balls, pathCount, pathColor, background, dim, touching }) {
    const gl = this.gl, canvas = this.canvas, ratio = Math.min(window.devicePixelRatio || 1, 2);
    const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio].map(Math.round);
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    gl.viewport(0, 0, width, height);
    gl.clearColor(...background, 1);
    gl.stencilMask(255);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT | gl.STENCIL_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    gl.disable(gl.BLEND);
    gl.uniformMatrix4fv(this.names.view, false, this.camera.matrix(width / height || 1));
    gl.uniform3fv(this.names.eye, this.camera.eye);
    gl.uniform3fv(this.names.sun, unit(SUN));
    const seen = this.shapes.filter((shape) => touching || !shape.touch);
    const solid = seen.filter((shape) => !shape.touch && shape.color[3] >= 1);
    this.tables(solid, bodies, dim);
    this.shadows(solid, bodies, balls);
    for (const shape of solid) if (shape.kind !== "plane") this.shape(shape, bodies, shape.color);
    for (const { at, color } of balls) // a stalk shows above which place a ball floats
      this.mesh("cylinder", pose([at[0], at[1], at[2] / 2], [1, 0, 0, 0]), [0.0012, 0.0012, Math.abs(at[2]) / 2], [...color.slice(0, 3), 1], 1);
    this.path(pathCount, pathColor);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
    gl.depthMask(false);
    for (const shape of seen) if (!solid.includes(shape)) this.shape(shape, bodies, shape.touch ? [0.9, 0.24, 0.63, 0.4] : shape.color);
    for (const { at, radius, color } of balls) this.mesh("ball", pose(at, [1, 0, 0, 0]), [radius, radius, radius], color);
    gl.depthMask(true);
  }
  shape(shape, bodies, color, before = null) {
    const own = shape.body < 0 ? shape.own : multiply(bodies[shape.body], shape.own);
    for (const [name, size, shift] of shape.pieces) {
      const model = multiply(own, pose([0, 0, shift], [1, 0, 0, 0]));
      this.mesh(name, before ? multiply(before, model) : model, size, color, before ? 1 : 0, shape.kind === "plane" ? 0.1 : 0);
    }
  }
  // Tables mark where a shadow may fall.
  tables(solid, bodies, dim) {
    const gl = this.gl;
    gl.enable(gl.STENCIL_TEST);
    gl.stencilFunc(gl.ALWAYS, 1, 255);
    gl.stencilOp(gl.KEEP, gl.KEEP, gl.REPLACE);
    for (const shape of solid)
      if (shape.kind === "plane") this.shape(shape, bodies, shape.color.map((part, i) => (i < 3 ? part * dim : part)));
  }
  // Every place darkens once, however many shapes shade it.
  shadows(solid, bodies, balls) {
    const gl = this.gl, table = solid.find((shape) => shape.kind === "plane"), flat = flattened((table ? table.pos[2] : 0) + 0.0008);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
    gl.stencilFunc(gl.EQUAL, 1, 255);
    gl.stencilOp(gl.KEEP, gl.KEEP, gl.INCR);
    gl.depthMask(false);
    for (const shape of solid) if (shape.kind !== "plane") this.shape(shape, bodies, SHADOW, flat);
    for (const { at, radius } of balls) this.mesh("ball", multiply(flat, pose(at, [1, 0, 0, 0])), [radius, radius, radius], SHADOW, 1);
    gl.depthMask(true);
    gl.disable(gl.STENCIL_TEST);
    gl.disable(gl.BLEND);
  }
  path(count, color) {
    if (count < 2) return;
    const gl = this.gl, names = this.names;
    gl.bindVertexArray(this.line.array);
    gl.uniformMatrix4fv(names.model, false, pose([0, 0, 0], [1, 0, 0, 0]));
    gl.uniform3fv(names.size, [1, 1, 1]);
    gl.uniform4fv(names.color, [...color, 1]);
    gl.uniform1f(names.flat_color, 1);
    gl.uniform1f(names.squares, 0);
    gl.drawArrays(gl.LINE_STRIP, 0, count);
  }
}
