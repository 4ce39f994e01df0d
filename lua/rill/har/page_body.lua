--- The waterfall page: what stands in it before its script fills it.
return [==[
<body>
<header>
  <div class="top">
    <h1 id="title">Waterfall</h1>
    <p id="facts"></p>
  </div>
  <div class="tools">
    <div id="legend" aria-label="Phases of a request"></div>
    <div class="right">
      <div id="kinds" role="group" aria-label="Show only"></div>
      <label class="check"><input type="checkbox" id="group" checked> By connection</label>
      <input type="search" id="find" placeholder="Filter: URL, status, type" aria-label="Filter" autocomplete="off">
    </div>
  </div>
  <div id="map"><canvas id="overview" aria-label="Overview: drag over it to zoom in"></canvas>
    <div id="brush" hidden></div><button id="reset" hidden>Show all</button></div>
</header>
<main role="table" aria-label="Requests">
  <div class="row head" role="row" id="head"></div>
  <div id="rows" role="rowgroup"></div>
  <p id="none" hidden>No request matches.</p>
</main>
<div id="tip" role="status" hidden></div>
<noscript>This page draws its requests by a script of its own.</noscript>
]==]
